// SPDX-License-Identifier: Apache-2.0
#include "exchange/credential_document.h"

#include <fmt/format.h>

#include <cmath>

#include "base/json_edit.h"
#include "delivery/delivery.h"

namespace oci_oauth {

namespace {

constexpr Time earliest = std::chrono::sys_days(std::chrono::year(2001) / 1 / 1);
constexpr Time latest = std::chrono::sys_days(std::chrono::year(2200) / 1 / 1);

const JsonValue* find(const JsonValue& document, const std::string& pointer) {
  return pointer.empty() ? nullptr : JsonPointer(pointer.c_str(), pointer.size()).Get(document);
}

Error bad(const std::string& shown, const std::string& pointer, std::string_view reason) {
  return {ErrorKind::failed, fmt::format("{}: {}: {}", shown, pointer, reason),
          "log in again with the program that owns this file"};
}

Result<Secret> read_token(const JsonValue& document, const std::string& pointer, const std::string& shown) {
  const JsonValue* value = find(document, pointer);
  if (value == nullptr)
    return Error{ErrorKind::login_required, fmt::format("{}: {}: is missing", shown, pointer), ""};
  if (!value->IsString()) return bad(shown, pointer, "is not a string");
  if (value->GetStringLength() == 0) {
    return Error{ErrorKind::login_required, fmt::format("{}: {}: is empty", shown, pointer), ""};
  }
  for (const char c : json_text(*value)) {
    if (c < 0x20 || c > 0x7e) return bad(shown, pointer, "holds a character that no token has");
  }
  return Secret(json_text(*value));
}

Result<Time> read_time(const JsonValue& value, ExpiryUnit unit, const std::string& shown,
                       const std::string& pointer) {
  if (!value.IsNumber()) return bad(shown, pointer, "is not a number");
  const double number = value.GetDouble();
  const double scale = unit == ExpiryUnit::milliseconds ? 1 : 1000;
  const auto in_range = [](double ms) {
    return ms >= static_cast<double>(earliest.time_since_epoch().count()) &&
           ms < static_cast<double>(latest.time_since_epoch().count());
  };
  if (std::isfinite(number) && in_range(number * scale)) {
    return Time(Milliseconds(static_cast<Milliseconds::rep>(number * scale)));
  }
  if (unit == ExpiryUnit::milliseconds && in_range(number * 1000)) {
    return bad(shown, pointer,
               fmt::format("'{:.0f}' is in seconds, expected milliseconds since 1970", number));
  }
  return bad(shown, pointer, fmt::format("'{:.15g}' is no time between the years 2001 and 2200", number));
}

Result<std::vector<std::string>> read_scopes(const JsonValue& document, const std::string& pointer,
                                             const std::string& shown) {
  std::vector<std::string> scopes;
  const JsonValue* value = find(document, pointer);
  if (value == nullptr || value->IsNull()) return scopes;
  if (!value->IsArray()) return bad(shown, pointer, "is not an array of strings");
  for (const JsonValue& scope : value->GetArray()) {
    if (!scope.IsString()) return bad(shown, pointer, "is not an array of strings");
    scopes.emplace_back(json_text(scope));
  }
  return scopes;
}

void set(JsonDocument& document, const std::string& pointer, JsonValue value) {
  JsonPointer(pointer.c_str(), pointer.size()).Set(document, value);
}

}  // namespace

Result<CredentialDocument> CredentialDocument::parse(Secret text, const std::string& shown,
                                                     const CredentialFields& fields) {
  auto document = parse_json(text.reveal(), shown);
  if (!document)
    return std::move(document).error().with_hint("log in again with the program that owns this file");
  if (!document->IsObject()) return bad(shown, "/", "is not an object");

  Login login;
  auto refresh_token = read_token(*document, fields.refresh_token, shown);
  if (!refresh_token)
    return std::move(refresh_token).error().with_hint("log in again: no refresh token is left");
  login.refresh_token = std::move(*refresh_token);
  auto access_token = read_token(*document, fields.access_token, shown);
  if (!access_token) return std::move(access_token).error();
  login.access_token = std::move(*access_token);

  const JsonValue* expiry = find(*document, fields.expires_at);
  if (expiry == nullptr) return bad(shown, fields.expires_at, "is missing");
  auto expires_at = read_time(*expiry, fields.unit, shown, fields.expires_at);
  if (!expires_at) return std::move(expires_at).error();
  login.expires_at = *expires_at;

  auto scopes = read_scopes(*document, fields.scopes, shown);
  if (!scopes) return std::move(scopes).error();
  login.scopes = std::move(*scopes);
  // Only a warning for people hangs on the end of the login, so a value that is none is no reason to stop.
  if (const JsonValue* end = find(*document, fields.login_expires_at)) {
    if (auto time = read_time(*end, fields.unit, shown, fields.login_expires_at))
      login.login_expires_at = *time;
  }
  return CredentialDocument(std::move(text), std::move(*document), std::move(login));
}

Secret CredentialDocument::with(const Grant& grant, const CredentialFields& fields) {
  std::vector<std::pair<std::string, Secret>> changes;
  const auto change = [&](const std::string& pointer, JsonValue value) {
    changes.emplace_back(pointer, write_json(value));
    set(document_, pointer, std::move(value));
  };
  change(fields.access_token, json_copy(document_, grant.access_token.reveal()));
  login_.access_token = Secret(grant.access_token.reveal());
  if (!grant.refresh_token.empty()) {
    change(fields.refresh_token, json_copy(document_, grant.refresh_token.reveal()));
    login_.refresh_token = Secret(grant.refresh_token.reveal());
  }
  const std::int64_t expiry = grant.expires_at.time_since_epoch().count();
  change(fields.expires_at, JsonValue(fields.unit == ExpiryUnit::milliseconds ? expiry : expiry / 1000));
  login_.expires_at = grant.expires_at;

  // The grant exists nowhere else: should the edit of the text not be that of the document, this is written.
  auto edited = replace_json_values(text_.reveal(), changes);
  const auto says = edited ? parse_json(edited->reveal(), "") : Result<JsonDocument>(Error{});
  text_ = says && *says == document_ ? std::move(*edited) : write_json(document_);
  return Secret(text_.reveal());
}

Secret CredentialDocument::delivered(const DeliveredFile& file) const {
  JsonDocument copy;
  copy.SetObject();
  for (const std::string& field : file.fields) {
    const JsonValue* value = find(document_, field);
    if (value == nullptr || holds_refresh_token(*value)) continue;
    set(copy, field, JsonValue(*value, copy.GetAllocator()));
  }
  return write_json(copy);
}

}  // namespace oci_oauth
