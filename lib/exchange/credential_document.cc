// SPDX-License-Identifier: Apache-2.0
#include "exchange/credential_document.h"

#include <algorithm>
#include <map>

#include "base/file.h"
#include "base/fmt.h"
#include "base/json_edit.h"
#include "base/text.h"
#include "delivery/document.h"
#include "exchange/document_time.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

// A secret that is shorter may well be part of some other word.
constexpr size_t shortest_within = 16;
constexpr Milliseconds assumed_life = std::chrono::hours(1);  // if the answer does not say
constexpr size_t longest_usable_token = 64 * KiB;
constexpr std::string_view made_by = "/made_by", our_name = "oci-oauth login";
constexpr const char* log_in_hint = "log in again with the program that owns this file";

Error bad(const std::string& shown, const std::string& pointer, std::string_view reason) {
  return {ErrorKind::failed, fmt::format("{}: {}: {}", shown, pointer, reason), log_in_hint};
}

// A file system that lost its last writes in a power failure may leave NULs in their place.
Result<void> check_for_nuls(std::string_view text, const std::string& shown) {
  const size_t end = text.find_last_not_of('\0') + 1;
  if (end == text.size()) return {};
  const std::string message =
      fmt::format("{}: ends in {} NUL bytes, as after a power failure", shown, text.size() - end);
  const bool is_whole = parse_json(text.substr(0, end), shown).has_value();
  return Error{ErrorKind::failed, message,
               is_whole ? fmt::format("truncate -s {} {}", end, shell_word(shown)) : log_in_hint};
}

// Empty if there is none: some clients mark a dead login with "".
Result<Secret> read_token(const JsonValue& document, const std::string& pointer, const std::string& shown) {
  const JsonValue* value = json_at(document, pointer);
  if (value == nullptr || value->IsNull()) return Secret();
  if (!value->IsString()) return bad(shown, pointer, "is not a string");
  return Secret(json_text(*value));
}

// An array of strings, or one string of words (RFC 6749 section 3.3).
std::vector<std::string> read_scopes(const JsonValue* value) {
  std::vector<std::string> scopes;
  if (value != nullptr && value->IsArray()) {
    for (const JsonValue& scope : value->GetArray()) {
      if (scope.IsString()) scopes.emplace_back(json_text(scope));
    }
  }
  if (value == nullptr || !value->IsString()) return scopes;
  const auto words = words_in(json_text(*value));
  return {words.begin(), words.end()};
}

// `text` is the secret, or contains it.
bool has_secret(std::string_view text, const Secret& secret) {
  if (secret.empty()) return false;
  return secret.reveal().size() < shortest_within ? text == secret.reveal()
                                                  : text.find(secret.reveal()) != text.npos;
}

// Under any key, or as one. The depth is bounded, because parse_json made the value.
bool has_secret(const JsonValue& value, const Secret& secret) {
  if (value.IsString()) return has_secret(json_text(value), secret);
  if (value.IsArray()) {
    return std::ranges::any_of(value.GetArray(), [&](const auto& one) { return has_secret(one, secret); });
  }
  return value.IsObject() && std::ranges::any_of(value.GetObject(), [&](const auto& member) {
           return has_secret(member.name, secret) || has_secret(member.value, secret);
         });
}

}  // namespace

Time expiry_of(const Login& login) {
  return login.expires_at.value_or(login.refresh_token.empty() ? end_of_time : unknown_expiry);
}

Result<void> check_usable(const Secret& access_token) {
  const std::string_view text = access_token.reveal();
  const auto is_control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; };
  const auto control = std::ranges::find_if(text, is_control);
  if (control == text.end() && text.size() <= longest_usable_token) return {};
  const std::string reason =
      control != text.end()
          ? fmt::format("byte {} is a control character, which an HTTP header cannot contain",
                        control - text.begin() + 1)
          : fmt::format("it is {} bytes long, which is too long for an HTTP header", text.size());
  return Error{ErrorKind::failed, "the access token cannot be used: " + reason, "oci-oauth refresh --force"};
}

Result<CredentialDocument> CredentialDocument::parse(Secret text, const std::string& shown,
                                                     const CredentialFields& fields, const FileStamp& stamp) {
  TRY(check_for_nuls(text.reveal(), shown));
  auto document = parse_json(text.reveal(), shown);
  if (!document) return std::move(document).error().with_hint(log_in_hint);
  if (!document->IsObject()) return bad(shown, "/", "is not an object");

  Login login;
  login.refresh_token = TRY(read_token(*document, fields.refresh_token, shown));
  login.access_token = TRY(read_token(*document, fields.access_token, shown));
  if (login.access_token.empty() && login.refresh_token.empty()) {
    return Error{ErrorKind::action_required,
                 fmt::format("{}: {}: there is no token", shown,
                             fields.refresh_token.empty() ? fields.access_token : fields.refresh_token),
                 log_in_hint};
  }
  login.expires_at = read_document_time(json_at(*document, fields.expires_at), fields.unit);
  if (!login.expires_at && fields.format == TokenFormat::jwt)
    login.expires_at = jwt_expiry(login.access_token.reveal());
  login.scopes = read_scopes(json_at(*document, fields.scopes));
  login.client_id = json_text(json_at(*document, fields.client_id));
  login.client_secret = Secret(json_text(json_at(*document, fields.client_secret)));
  login.issuer = json_text(json_at(*document, fields.issuer));
  login.resource = json_text(json_at(*document, fields.resource));
  for (const auto& [name, pointer] : fields.parameters) {
    const std::string value(json_text(json_at(*document, pointer)));
    if (!value.empty()) login.parameters.push_back({name, value});
  }
  login.login_expires_at = read_document_time(json_at(*document, fields.login_expires_at), fields.unit);
  // An answer never extends it.
  if (login.refresh_token.empty() && !login.login_expires_at) login.login_expires_at = login.expires_at;
  return CredentialDocument(std::move(text), std::move(*document), std::move(login), stamp);
}

CredentialDocument CredentialDocument::begin(const Secret& old, const std::vector<std::string>& scopes,
                                             const std::string& client_id, const CredentialFields& fields) {
  auto json = parse_json(old.reveal(), "");
  const bool is_new = !json || !json->IsObject();
  CredentialDocument document(Secret(is_new ? "{}" : old.reveal()), is_new ? json_object() : std::move(*json),
                              Login());
  if (is_new) document.set(std::string(made_by), to_json(our_name));
  if (!fields.client_id.empty()) document.set(fields.client_id, to_json(client_id));
  if (!fields.scopes.empty() && !scopes.empty()) {
    const JsonValue* const there = json_at(document.document_, fields.scopes);
    const bool is_array = there != nullptr && there->IsArray();
    document.set(fields.scopes,
                 is_array ? to_json(scopes) : to_json(fmt::format("{}", fmt::join(scopes, " "))));
  }
  // Of the login that was there.
  if (json_at(document.document_, fields.login_expires_at) != nullptr)
    document.set(fields.login_expires_at, JsonValue());
  return document;
}

bool CredentialDocument::is_made_by_us() const {
  return json_text(json_at(document_, made_by)) == our_name;
}

void CredentialDocument::complete(const Secret& access_token, Time expires_at) {
  if (login_.access_token.empty()) login_.access_token = access_token.copy();
  if (!login_.expires_at) login_.expires_at = expires_at;
}

void CredentialDocument::complete(const JsonValue& client) {
  const auto fill = [&](std::string& member, const char* key) {
    if (const auto text = json_text(json_member(client, key)); !text.empty()) member = text;
  };
  fill(login_.client_id, "client_id");
  fill(login_.issuer, "issuer");
  std::string secret, method;
  fill(secret, "client_secret");
  if (!secret.empty()) login_.client_secret = Secret(std::move(secret));
  fill(method, "token_endpoint_auth_method");
  for (const auto one : {ClientAuthentication::post, ClientAuthentication::basic}) {
    if (method == word(one)) login_.authentication = one;
  }
}

// In the form of the one that is there.
JsonValue CredentialDocument::time_at(const std::string& pointer, Time time, TimeUnit unit) const {
  return document_time(time, json_at(document_, pointer), unit);
}

void CredentialDocument::set(const std::string& pointer, JsonValue value) {
  const auto path = parse_json_pointer(pointer);
  if (!path) return;
  auto text = set_json_value(text_.reveal(), "", *path, value);
  json_set_at(document_, *path, std::move(value));
  // The grant exists nowhere else: where the text cannot be edited, the document is written.
  text_ = text ? std::move(*text) : write_json(document_);
}

// In the document's own format.
void CredentialDocument::set_scopes(const std::vector<std::string>& scopes, const std::string& pointer) {
  const auto is_granted = [&](const std::string& scope) {
    return std::ranges::find(scopes, scope) != scopes.end();
  };
  const JsonValue* const there = json_at(document_, pointer);
  if (scopes.empty() || there == nullptr || std::ranges::all_of(login_.scopes, is_granted)) return;
  set(pointer, there->IsString() ? to_json(fmt::format("{}", fmt::join(scopes, " "))) : to_json(scopes));
  login_.scopes = scopes;
}

void CredentialDocument::set_login_end(Time end, const CredentialFields& fields) {
  const auto& known = login_.login_expires_at;
  const bool is_later = known && end >= *known;
  if (fields.login_expires_at.empty() || (is_later && fields.login_end == LoginEndRule::lowered)) return;
  set(fields.login_expires_at, time_at(fields.login_expires_at, end, fields.unit));
  login_.login_expires_at = end;
}

Grant CredentialDocument::granted(const TokenAnswer& answer, const CredentialFields& fields,
                                  Time time) const {
  const Secret& rotated = answer.refresh_token.empty() ? login_.refresh_token : answer.refresh_token;
  const auto told =
      fields.format == TokenFormat::jwt ? jwt_expiry(answer.access_token.reveal()) : std::nullopt;
  const Time expires_at =
      told.value_or(granted_until(time, answer.expires_in.value_or(assumed_life), answer.date));
  Grant grant = {answer.access_token.copy(), rotated.copy(), expires_at, answer.scopes, std::nullopt};
  for (const auto& [pointer, value] : answer.values) grant.values.emplace(pointer, value.copy());
  if (!fields.refreshed_at.empty())
    grant.values.emplace(fields.refreshed_at, write_json(time_at(fields.refreshed_at, time, fields.unit)));
  if (answer.refresh_token_expires_in) grant.login_expires_at = time + *answer.refresh_token_expires_in;
  return grant;
}

Secret CredentialDocument::with(const Grant& grant, const CredentialFields& fields) {
  if (!fields.access_token.empty()) set(fields.access_token, to_json(grant.access_token.reveal()));
  login_.access_token = grant.access_token.copy();
  if (!grant.refresh_token.empty() && !(grant.refresh_token == login_.refresh_token)) {
    set(fields.refresh_token, to_json(grant.refresh_token.reveal()));
    login_.refresh_token = grant.refresh_token.copy();
  }
  if (!fields.expires_at.empty())
    set(fields.expires_at, time_at(fields.expires_at, grant.expires_at, fields.unit));
  login_.expires_at = grant.expires_at;
  set_scopes(grant.scopes, fields.scopes);
  if (grant.login_expires_at) set_login_end(*grant.login_expires_at, fields);
  for (const auto& [pointer, json] : grant.values) {
    if (auto value = parse_json(json.reveal(), "")) set(pointer, std::move(*value));
  }
  return text_.copy();
}

std::vector<SharedFile> CredentialDocument::delivered(const std::vector<DeliveredFile>& files,
                                                      const Secret& client_secret) const {
  std::map<std::string, JsonValue> copies;
  for (const DeliveredFile& file : files) {
    const Secret secrets[] = {login_.refresh_token.copy(), login_.client_secret.copy(), client_secret.copy(),
                              Secret(json_text(json_at(document_, file.refresh_token))),
                              Secret(json_text(json_at(document_, file.client_secret)))};
    const auto is_safe = [&](const JsonValue& value) {
      return !holds_refresh_token(value, file.refresh_token) &&
             std::ranges::none_of(secrets, [&](const Secret& one) { return has_secret(value, one); });
    };
    JsonValue& copy = copies.emplace(file.name, json_object()).first->second;
    const auto put = [&](const std::string& pointer, const JsonValue* value) {
      if (value == nullptr || !is_safe(*value)) return;
      const bool is_empty = value->IsString() && value->GetStringLength() == 0;
      if (is_empty || !names_refresh_token(last_key(pointer))) json_set_at(copy, pointer, json_copy(*value));
    };
    for (const std::string& field : file.fields) put(field, json_at(document_, field));
    for (const auto& [to, from] : file.moved) put(to, json_at(document_, from));
    for (const auto& [to, text] : file.constants) {
      const JsonValue value = to_json(text);
      put(to, &value);
    }
  }
  std::vector<SharedFile> shared;
  shared.push_back({std::string(token_file), login_.access_token.copy()});
  for (const auto& [name, copy] : copies) shared.push_back({name, write_json(copy)});
  return shared;
}

}  // namespace oci_oauth
