// SPDX-License-Identifier: Apache-2.0
#include "exchange/credential_document.h"

#include <algorithm>
#include <cmath>

#include "base/fmt.h"
#include "base/json_values.h"
#include "base/size.h"
#include "delivery/document.h"
#include "token/published.h"

namespace oci_oauth {

namespace {

constexpr Time earliest = std::chrono::sys_days(std::chrono::year(2001) / 1 / 1);
constexpr size_t longest_usable_token = 64 * KiB;
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
               is_whole ? fmt::format("truncate -s {} '{}'", end, shown) : log_in_hint};
}

// Empty if there is none: some clients mark a dead login with "".
Result<Secret> read_token(const JsonValue& document, const std::string& pointer, const std::string& shown) {
  const JsonValue* value = json_at(document, pointer);
  if (value == nullptr || value->IsNull()) return Secret();
  if (!value->IsString()) return bad(shown, pointer, "is not a string");
  return Secret(json_text(*value));
}

// Anything but a plausible time counts as unknown.
std::optional<Time> read_time(const JsonValue* value, ExpiryUnit unit) {
  if (value == nullptr || !value->IsNumber()) return std::nullopt;
  const double milliseconds = value->GetDouble() * (unit == ExpiryUnit::milliseconds ? 1 : 1000);
  if (!(milliseconds >= static_cast<double>(earliest.time_since_epoch().count()))) return std::nullopt;
  const auto last = static_cast<double>(end_of_time.time_since_epoch().count());
  return Time(Milliseconds(static_cast<Milliseconds::rep>(std::min(milliseconds, last))));
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
  for (std::string_view left = json_text(*value); !left.empty();) {
    const std::string_view word = left.substr(0, left.find(' '));
    if (!word.empty()) scopes.emplace_back(word);
    left.remove_prefix(std::min(word.size() + 1, left.size()));
  }
  return scopes;
}

std::string read_text(const JsonValue* value) {
  return value != nullptr && value->IsString() ? std::string(json_text(*value)) : "";
}

// Sets the value at `pointer`, or adds it; all other bytes stay the same. nullopt if that is not possible.
std::optional<Secret> edited(const Secret& text, const std::string& pointer, bool is_there,
                             const JsonValue& value) {
  std::vector<std::pair<std::string, Secret>> change;
  change.emplace_back(pointer, write_json(value));
  return is_there ? replace_json_values(text.reveal(), change)
                  : insert_json_value(text.reveal(), pointer, change[0].second.reveal());
}

}  // namespace

Time expiry_of(const Login& login) {
  return login.expires_at.value_or(login.refresh_token.empty() ? end_of_time : unknown_expiry);
}

Result<void> check_usable(const Secret& access_token) {
  const std::string_view text = access_token.reveal();
  const auto is_control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; };
  const auto control = std::ranges::find_if(text, is_control);
  std::string reason;
  if (control != text.end()) {
    reason = fmt::format("byte {} is a control character, which an HTTP header cannot contain",
                         control - text.begin() + 1);
  } else if (text.size() > longest_usable_token) {
    reason = fmt::format("it is {} bytes long, which is too long for an HTTP header", text.size());
  }
  if (reason.empty()) return {};
  return Error{ErrorKind::failed, "the access token cannot be used: " + reason, "oci-oauth refresh --force"};
}

Result<CredentialDocument> CredentialDocument::parse(Secret text, const std::string& shown,
                                                     const CredentialFields& fields) {
  TRY(check_for_nuls(text.reveal(), shown));
  auto document = parse_json(text.reveal(), shown);
  if (!document) return std::move(document).error().with_hint(log_in_hint);
  if (!document->IsObject()) return bad(shown, "/", "is not an object");

  Login login;
  auto refresh_token = TRY(read_token(*document, fields.refresh_token, shown));
  login.refresh_token = std::move(refresh_token);
  auto access_token = TRY(read_token(*document, fields.access_token, shown));
  login.access_token = std::move(access_token);
  if (login.access_token.empty() && login.refresh_token.empty()) {
    return Error{ErrorKind::login_required,
                 fmt::format("{}: {}: there is no token", shown, fields.refresh_token), log_in_hint};
  }
  login.expires_at = read_time(json_at(*document, fields.expires_at), fields.unit);
  login.scopes = read_scopes(json_at(*document, fields.scopes));
  login.client_id = read_text(json_at(*document, fields.client_id));
  login.login_expires_at = read_time(json_at(*document, fields.login_expires_at), fields.unit);
  // An answer never extends it.
  if (login.refresh_token.empty() && !login.login_expires_at) login.login_expires_at = login.expires_at;
  return CredentialDocument(std::move(text), std::move(*document), std::move(login));
}

void CredentialDocument::set(const std::string& pointer, JsonValue value) {
  auto text = edited(text_, pointer, json_at(document_, pointer) != nullptr, value);
  json_set_at(document_, pointer, std::move(value));
  // The grant exists nowhere else, so this is written if editing the text does not result in the edited
  // document.
  const auto says = text ? parse_json(text->reveal(), "") : Result<JsonDocument>(Error{});
  text_ = says && *says == document_ ? std::move(*text) : write_json(document_);
}

// In the document's own format.
void CredentialDocument::set_scopes(const std::vector<std::string>& scopes, const std::string& pointer) {
  const auto is_granted = [&](const std::string& scope) {
    return std::ranges::find(scopes, scope) != scopes.end();
  };
  const JsonValue* const there = json_at(document_, pointer);
  if (scopes.empty() || there == nullptr || std::ranges::all_of(login_.scopes, is_granted)) return;
  if (there->IsString()) {
    set(pointer, json_copy(document_, fmt::format("{}", fmt::join(scopes, " "))));
  } else {
    JsonValue array = json_array();
    for (const std::string& scope : scopes) json_append(array, scope);
    set(pointer, std::move(array));
  }
  login_.scopes = scopes;
}

void CredentialDocument::set_login_end(Time end, const CredentialFields& fields) {
  const auto& known = login_.login_expires_at;
  const bool is_later = known && end >= *known;
  if (fields.login_expires_at.empty() || (is_later && fields.login_end == LoginEndRule::lowered)) return;
  const std::int64_t time = end.time_since_epoch().count();
  set(fields.login_expires_at, JsonValue(fields.unit == ExpiryUnit::milliseconds ? time : time / 1000));
  login_.login_expires_at = end;
}

Secret CredentialDocument::with(const Grant& grant, const CredentialFields& fields) {
  set(fields.access_token, json_copy(document_, grant.access_token.reveal()));
  login_.access_token = Secret(grant.access_token.reveal());
  if (!grant.refresh_token.empty()) {
    set(fields.refresh_token, json_copy(document_, grant.refresh_token.reveal()));
    login_.refresh_token = Secret(grant.refresh_token.reveal());
  }
  const std::int64_t expiry = grant.expires_at.time_since_epoch().count();
  set(fields.expires_at, JsonValue(fields.unit == ExpiryUnit::milliseconds ? expiry : expiry / 1000));
  login_.expires_at = grant.expires_at;
  set_scopes(grant.scopes, fields.scopes);
  if (grant.login_expires_at) set_login_end(*grant.login_expires_at, fields);
  return Secret(text_.reveal());
}

Secret CredentialDocument::delivered(const DeliveredFile& file) const {
  JsonDocument copy;
  copy.SetObject();
  for (const std::string& field : file.fields) {
    const JsonValue* value = json_at(document_, field);
    if (value == nullptr || holds_refresh_token(*value)) continue;
    json_set_at(copy, field, json_copy(*value));
  }
  return write_json(copy);
}

}  // namespace oci_oauth
