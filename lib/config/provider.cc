// SPDX-License-Identifier: Apache-2.0
#include "config/provider.h"

#include <algorithm>

#include "base/file.h"
#include "base/fmt.h"
#include "base/json_object.h"
#include "base/size.h"
#include "config/config.h"

namespace oci_oauth {

namespace {

constexpr size_t provider_limit = 256 * KiB;

Result<void> read_pointer(std::string_view text, std::string& target) {
  if (!is_json_pointer(text)) {
    return Error::configuration(fmt::format("'{}' is not a JSON Pointer (RFC 6901)", text));
  }
  target = text;
  return {};
}

Result<void> read_fields(const JsonValue& value, const std::string& source, CredentialFields& fields) {
  JsonObject object(value, source, "/credentials");
  const auto pointer = [](std::string& target) {
    return [&target](std::string_view text) { return read_pointer(text, target); };
  };
  for (const char* key : {"access_token", "refresh_token", "expires_at"}) object.require(key);
  object.text("access_token", pointer(fields.access_token));
  object.text("refresh_token", pointer(fields.refresh_token));
  object.text("expires_at", pointer(fields.expires_at));
  object.text("scopes", pointer(fields.scopes));
  object.text("login_expires_at", pointer(fields.login_expires_at));
  object.text("client_id", pointer(fields.client_id));
  object.text("refresh_token_expires_in", [&](std::string_view text) -> Result<void> {
    if (text != "sets" && text != "lowers")
      return Error::configuration(fmt::format("'{}' is neither sets nor lowers", text));
    fields.login_end = text == "sets" ? LoginEndRule::set : LoginEndRule::lowered;
    return {};
  });
  object.text("expires_at_unit", [&](std::string_view text) -> Result<void> {
    if (text != "milliseconds" && text != "seconds")
      return Error::configuration(fmt::format("'{}' is neither milliseconds nor seconds", text));
    fields.unit = text == "seconds" ? ExpiryUnit::seconds : ExpiryUnit::milliseconds;
    return {};
  });
  if (!fields.access_token.empty() && fields.access_token == fields.refresh_token) {
    object.fail("access_token", fmt::format("'{}' is the refresh token", fields.access_token));
  }
  return object.finish();
}

// A delivered field must neither be the refresh token nor an object that holds it.
bool reveals(const std::string& field, const std::string& refresh_token) {
  return refresh_token == field || refresh_token.starts_with(field + "/");
}

bool is_within(const std::string& field, const std::string& member) {
  return field == member || field.starts_with(member + "/");
}

// Our member of a document holds all that we deliver in it, and the access token, by which we know it again.
Result<void> check_member(const DeliveredFile& file, const Provider& provider) {
  std::string member;
  TRY(read_pointer(file.member, member));
  if (member.find('/', 1) != std::string::npos)
    return Error::configuration(fmt::format("'{}' is not a member of the root", member));
  bool holds_token = false;
  for (const std::string& field : file.fields) {
    if (!is_within(field, member))
      return Error::configuration(fmt::format("'{}' does not hold the field '{}'", member, field));
    holds_token = holds_token || is_within(provider.fields.access_token, field);
  }
  if (!holds_token) return Error::configuration("needs the access token among the fields");
  return {};
}

Result<void> read_delivered(const JsonValue& value, const std::string& source, const std::string& pointer,
                            Provider& provider) {
  DeliveredFile file;
  JsonObject object(value, source, pointer);
  object.require("file");
  object.require("fields");
  object.string("file", file.name);
  object.strings("fields", file.fields);
  object.string("member", file.member);
  TRY(object.finish());
  if (file.name.find('/') != std::string::npos || file.name == "." || file.name == ".." ||
      file.name == token_file || file.name.ends_with(".oci-oauth")) {
    return configuration_error(source, pointer + "/file",
                               fmt::format("'{}' is no name for a delivered file", file.name));
  }
  for (const std::string& field : file.fields) {
    std::string checked;
    if (auto valid = read_pointer(field, checked); !valid) {
      return configuration_error(source, pointer + "/fields", valid.error().message);
    }
    if (reveals(field, provider.fields.refresh_token)) {
      return configuration_error(source, pointer + "/fields",
                                 fmt::format("'{}' would deliver the refresh token", field));
    }
  }
  if (json_member(value, "member") != nullptr) {
    if (auto checked = check_member(file, provider); !checked)
      return configuration_error(source, pointer + "/member", checked.error().message);
  }
  provider.deliver.push_back(std::move(file));
  return {};
}

Result<void> read_save_lock(const JsonValue& value, const std::string& source, const std::string& pointer,
                            Provider& provider) {
  ProviderLock lock;
  JsonObject object(value, source, pointer);
  object.require("path");
  object.string("path", lock.path);
  object.duration("stale_after", lock.stale_after);
  if (lock.stale_after <= Milliseconds(0)) object.fail("stale_after", "is not a time after the last touch");
  TRY(object.finish());
  provider.save_locks.push_back(std::move(lock));
  return {};
}

// Short and plain, because it gets into messages.
bool is_error_code(std::string_view code) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  };
  return !code.empty() && code.size() <= 64 && std::all_of(code.begin(), code.end(), plain);
}

// A name that every shell and runtime takes, POSIX.1-2017 section 8.1.
bool is_variable_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !letter(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

Result<void> read_variable(std::string_view name, const JsonValue& value, const std::string& source,
                           const std::string& pointer, Provider& provider) {
  if (!is_variable_name(name)) {
    return configuration_error(source, pointer, fmt::format("'{}' is no name of a variable", name));
  }
  if (!value.IsString() || json_text(value).find('\0') != std::string_view::npos) {
    return configuration_error(source, pointer, "is not a string without NUL characters");
  }
  provider.environment.emplace_back(name, json_text(value));
  return {};
}

bool is_segment(std::string_view text) {
  constexpr std::string_view unreserved =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";  // RFC 3986 section 2.3
  if (text == "*") return true;
  return !text.empty() && text != "." && text != ".." && text.find_first_not_of(unreserved) == text.npos;
}

bool is_request(std::string_view text) {
  const size_t space = text.find(' ');
  if (space == 0 || space == text.npos) return false;
  const std::string_view method = text.substr(0, space);
  if (!std::all_of(method.begin(), method.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) return false;
  std::string_view path = text.substr(space + 1);
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const size_t end = std::min(path.find('/'), path.size());
    if (!is_segment(path.substr(0, end))) return false;
    path.remove_prefix(end);
    if (path.empty()) return true;
  }
  return false;
}

Result<void> read_api(const JsonValue& value, const std::string& source, Api& api) {
  JsonObject object(value, source, "/api");
  object.require("url");
  object.require("requests");
  object.text("url", [&](std::string_view text) -> Result<void> {
    constexpr std::string_view scheme = "https://";
    const bool is_origin =
        text.starts_with(scheme) && text.size() > scheme.size() && text.find('/', scheme.size()) == text.npos;
    if (!is_origin) return Error::configuration(fmt::format("'{}' is not https://HOST", text));
    api.url = text;
    return {};
  });
  object.strings("requests", api.requests);
  TRY(object.finish());
  for (const std::string& request : api.requests) {
    if (is_request(request)) continue;
    return configuration_error(source, "/api/requests", fmt::format("'{}' is not \"METHOD PATH\"", request));
  }
  return {};
}

}  // namespace

Result<Provider> parse_provider(std::string_view text, std::string_view path, std::string_view name) {
  auto json = TRY(parse_configuration(text, path));
  const std::string source(path);
  Provider provider;
  provider.name = name;
  JsonObject object(json, source);
  for (const char* key : {"token_url", "client_id", "credentials"}) object.require(key);
  object.string("token_url", provider.token_url);
  object.string("client_id", provider.client_id);
  object.string("user_agent", provider.user_agent);
  object.text("body", [&](std::string_view value) -> Result<void> {
    if (value != "json" && value != "form")
      return Error::configuration(fmt::format("'{}' is neither json nor form", value));
    provider.body = value == "json" ? BodyEncoding::json : BodyEncoding::form;
    return {};
  });
  object.text("scope", [&](std::string_view value) -> Result<void> {
    if (value != "stored" && value != "none")
      return Error::configuration(fmt::format("'{}' is neither stored nor none", value));
    provider.scope = value == "stored" ? ScopeRule::stored : ScopeRule::none;
    return {};
  });
  if (const JsonValue* fields = object.take("credentials")) {
    TRY(read_fields(*fields, source, provider.fields));
  }
  object.strings("terminal_errors", provider.terminal_errors);
  for (const std::string& code : provider.terminal_errors) {
    if (!is_error_code(code)) object.fail("terminal_errors", fmt::format("'{}' is not an error code", code));
  }
  object.elements("deliver", [&](const JsonValue& value, const std::string& pointer) {
    return read_delivered(value, source, pointer, provider);
  });
  object.strings("locks", provider.locks);
  object.string("lock_owner", provider.lock_owner);
  object.elements("save_locks", [&](const JsonValue& value, const std::string& pointer) {
    return read_save_lock(value, source, pointer, provider);
  });
  if (const JsonValue* api = object.take("api")) {
    TRY(read_api(*api, source, provider.api));
  }
  object.strings("shadowed_by", provider.shadowed_by);
  for (const std::string& variable : provider.shadowed_by) {
    if (!is_variable_name(variable))
      object.fail("shadowed_by", fmt::format("'{}' is not the name of a variable", variable));
  }
  object.members("environment",
                 [&](std::string_view key, const JsonValue& value, const std::string& pointer) {
                   return read_variable(key, value, source, pointer, provider);
                 });
  TRY(object.finish());
  return provider;
}

std::vector<std::string> environment_of(const Provider& provider, std::string_view target) {
  constexpr std::string_view placeholder = "{target}";
  std::vector<std::string> assignments;
  for (const auto& [name, value] : provider.environment) {
    std::string assignment = fmt::format("{}={}", name, value);
    size_t at = name.size() + 1;
    while ((at = assignment.find(placeholder, at)) != std::string::npos) {
      assignment.replace(at, placeholder.size(), target);
      at += target.size();
    }
    assignments.push_back(std::move(assignment));
  }
  return assignments;
}

std::vector<std::string> provider_directories(std::string_view prefix) {
  return {"/etc/oci-oauth/providers.d", fmt::format("{}/share/oci-oauth/providers", prefix)};
}

Result<Provider> load_provider(std::string_view name, const std::vector<std::string>& directories) {
  if (!is_valid_name(name))
    return Error::configuration(fmt::format("provider '{}': is no provider name", name));
  for (const std::string& directory : directories) {
    const std::string path = fmt::format("{}/{}.json", directory, name);
    auto text = read_file({.path = path}, provider_limit);
    if (!text && text.error().kind == ErrorKind::not_found) continue;
    if (!text) return Error::configuration(text.error().message);
    return parse_provider(*text, path, name);
  }
  return Error::configuration(fmt::format("provider '{}': there is no {}.json in {}", name, name,
                                          fmt::join(directories, ", ")))
      .with_hint("set \"provider\" in the profile to one that is there, for example \"claude\"");
}

}  // namespace oci_oauth
