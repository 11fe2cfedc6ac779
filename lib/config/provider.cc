// SPDX-License-Identifier: Apache-2.0
#include "config/provider.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "base/file.h"
#include "base/fingerprint.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "config/config.h"
#include "config/key_reader.h"
#include "config/trusted_file.h"

namespace oci_oauth {

namespace {

constexpr size_t provider_limit = 256 * KiB;

bool is_within(std::string_view field, std::string_view member) {
  return field.starts_with(member) && (field.size() == member.size() || field[member.size()] == '/');
}

// One is, or contains, the other; what is not there does neither.
bool overlap(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return false;
  return is_within(a, b) || is_within(b, a);
}

Error mistake(const RecordPlace& place, std::string_view reason) {
  return configuration_error(place.pointer(), reason);
}

// A pointer must not be or contain a secret.
Result<void> check_reveals(const std::string& pointer, const CredentialFields& fields,
                           const RecordPlace& place, std::string_view verb) {
  for (const auto& [secret, name] : {std::pair(&fields.refresh_token, "the refresh token"),
                                     std::pair(&fields.client_secret, "the client's secret")}) {
    if (is_within(*secret, pointer))
      return mistake(place, fmt::format("'{}' would {} {}", pointer, verb, name));
  }
  return {};
}

Result<void> check_credentials(const CredentialFields& fields, const RecordPlace& place) {
  Result<void> checked;
  const auto check = [&](std::string_view key, const std::string& pointer) {
    if (checked && key != "refresh_token" && overlap(pointer, fields.refresh_token))
      checked = mistake({&place, key}, fmt::format("'{}' is the refresh token", pointer));
  };
  EachKey pointers = {[&]<class T>(std::string_view key, const T& member) {
    if constexpr (std::same_as<T, std::string>) check(key, member);
  }};
  keys_of(pointers, fields);
  for (const auto& [name, pointer] : fields.answer) check("answer", pointer);
  TRY(std::move(checked));
  for (const auto& [name, pointer] : fields.answer) {
    if (overlap(pointer, fields.access_token))
      return mistake({&place, "answer"}, fmt::format("'{}' is the access token", pointer));
  }
  if (fields.access_token.empty() && fields.refresh_token.empty())
    return mistake(place, "needs \"access_token\" or \"refresh_token\"");
  const RecordPlace parameters = {&place, "parameters"};
  for (const auto& [name, pointer] : fields.parameters)
    TRY(check_reveals(pointer, fields, {&parameters, name}, "send"));
  return {};
}

// Our member of a document contains all that we deliver in it, and the access token, by which we know it
// again.
Result<void> check_member(const DeliveredFile& file, const Provider& provider, const RecordPlace& place) {
  std::vector<std::string> places = file.fields;
  for (const Pair& moved : file.moved) places.push_back(moved.name);
  for (const Pair& constant : file.constants) places.push_back(constant.name);
  for (const std::string& field : places) {
    if (!is_within(field, file.member))
      return mistake(place, fmt::format("'{}' does not contain the field '{}'", file.member, field));
  }
  const bool has_token = std::ranges::any_of(
      file.fields, [&](const std::string& field) { return is_within(provider.fields.access_token, field); });
  return has_token ? Result<void>() : mistake(place, "the access token must be among its fields");
}

// The empty text may be anywhere: a client may want the key of a refresh token, and never gets one.
Result<void> check_constants(const DeliveredFile& file, const CredentialFields& fields,
                             const RecordPlace& place) {
  for (const Pair& constant : file.constants) {
    const std::string& pointer = constant.name;
    const bool is_token = overlap(pointer, fields.refresh_token) || names_refresh_token(last_key(pointer));
    if (is_token && !constant.value.empty())
      return mistake({&place, pointer}, "only the empty text is allowed at a refresh token's place");
    const auto takes_its_place = [&](const std::string& other) { return overlap(pointer, other); };
    if (std::ranges::any_of(file.fields, takes_its_place))
      return mistake({&place, pointer}, "a field is at the same place");
  }
  return {};
}

Result<void> check_delivered(const DeliveredFile& file, const Provider& provider, const RecordPlace& place) {
  const RecordPlace moved = {&place, "moved"};
  for (const std::string& field : file.fields)
    TRY(check_reveals(field, provider.fields, {&place, "fields"}, "deliver"));
  for (const auto& [to, from] : file.moved)
    TRY(check_reveals(from, provider.fields, {&moved, to}, "deliver"));
  TRY(check_constants(file, provider.fields, {&place, "constants"}));
  return file.member.empty() ? Result<void>() : check_member(file, provider, {&place, "member"});
}

// Files need a directory in which they can be opened: Landlock leaves the login's alone for that.
Result<void> check_locks(const std::vector<ProviderLock>& locks, const RecordPlace& place) {
  for (const ProviderLock& lock : locks) {
    const bool is_inside = lock.path.starts_with("{directory}/") && lock.path.find("/..") == lock.path.npos;
    if (lock.kind != LockKind::directory && !is_inside)
      return mistake(place, fmt::format("'{}' is not a file of the login's directory", lock.path));
    if (lock.kind != LockKind::file && lock.content != LockContent::nothing)
      return mistake(place,
                     fmt::format("'{}' is a {}, which has no \"content\"", lock.path, word(lock.kind)));
  }
  return {};
}

Result<void> check_provider(const Provider& provider) {
  const RecordPlace root, deliver = {&root, "deliver"};
  TRY(check_credentials(provider.fields, {&root, "credentials"}));
  size_t index = 0;
  for (const DeliveredFile& file : provider.deliver)
    TRY(check_delivered(file, provider, {&deliver, {}, index++}));
  TRY(check_locks(provider.locks, {&root, "locks"}));
  return check_locks(provider.save_locks, {&root, "save_locks"});
}

constexpr std::string_view target_placeholder = "{target}";
constexpr std::string_view port_placeholder = "{port}";
constexpr std::string_view entry_placeholder = "{entry}";

Result<void> check_socket(const Profile& profile, const Provider& provider) {
  if (profile.delivery != Delivers::socket) return {};
  const auto refuse = [&](std::string_view key, std::string_view why) {
    return profile_error(profile, key, fmt::format("the provider '{}' {}", provider.name, why));
  };
  if (!provider.api) return refuse("delivery", "has no \"api\"");
  const auto mentions = [&](std::string_view placeholder) {
    return std::ranges::any_of(provider.api->environment, [&](const Pair& variable) {
      return variable.value.find(placeholder) != std::string::npos;
    });
  };
  if (profile.loopback_port.empty() && mentions(port_placeholder) && !mentions(target_placeholder))
    return refuse("loopback_port", "needs one: its client knows only TCP");
  return {};
}

// As JavaScript counts characters: a file's name in a client is made of it.
std::string word_of(std::string_view entry) {
  std::string word;
  for (const char c : entry) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (is_plain) {
      word += c;
    } else if (byte < 0x80 || byte >= 0xc0) {
      word += byte < 0xf0 ? "_" : "__";
    }
  }
  return word;
}

std::string filled_in(std::string text, const ProviderEntry& which) {
  const auto fill = [&](std::string_view placeholder, std::string_view value) {
    const std::string quoted = json_quoted(value);  // the placeholder is within a string of a JSON text
    text = with_value(std::move(text), placeholder, std::string_view(quoted).substr(1, quoted.size() - 2));
  };
  if (!which.file.empty()) {
    fill("{file}", which.file);
    fill("{file_stem}", std::string_view(which.file).substr(0, which.file.rfind('_')));
  }
  if (which.entry.empty()) return text;
  fill("{entry_word}", word_of(which.entry));
  fill("{entry_sha256}", fingerprint(std::string_view(which.entry)));
  fill(entry_placeholder, json_pointer_step(which.entry));
  return text;
}

Error provider_error(const std::string& provider, const std::string& reason) {
  return Error::configuration("provider '" + provider + "': " + reason);
}

Error wrong_entry(const std::string& provider, std::string_view entry) {
  return provider_error(provider,
                        entry.empty()
                            ? "describes one of several logins in a file, so the profile needs an \"entry\""
                            : "describes the only login in a file, so the profile cannot have an \"entry\"");
}

}  // namespace

bool names_refresh_token(std::string_view key) {
  std::string letters;
  for (const char c : key) {
    if (c != '_' && c != '-') letters += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return letters == "refresh" || letters.ends_with("refreshtoken");
}

bool delivers(const Provider& provider, std::string_view file) {
  return file == token_file || std::ranges::count(provider.deliver, file, &DeliveredFile::name) > 0;
}

bool has_entries(const Provider& provider) {
  return provider.fields.refresh_token.find(entry_placeholder) != std::string::npos;
}

Result<Provider> parse_provider(std::string_view text, std::string_view path, std::string_view name) {
  auto json = TRY(parse_configuration(text, path));
  Provider provider;
  provider.name = name;
  TRY(KeyReader::read_object(json, path, provider));
  if (auto checked = check_provider(provider); !checked) return std::move(checked).error().in(path);
  for (DeliveredFile& file : provider.deliver) {
    file.access_token = provider.fields.access_token;
    file.refresh_token = provider.fields.refresh_token;
    file.client_secret = provider.fields.client_secret;
  }
  return provider;
}

Result<void> check_complete(const Profile& profile, const Provider& provider) {
  const CredentialFields& fields = provider.fields;
  const bool is_of_command = fields.refresh_token.empty();
  if (profile.source.has_value() != is_of_command || (is_of_command && fields.access_token.empty())) {
    return profile_error(
        profile, profile.source ? "source" : "credentials",
        fmt::format("the provider '{}' describes {}", provider.name,
                    is_of_command ? "the output of a command" : "a document with a refresh token"));
  }
  TRY(check_socket(profile, provider));
  if (profile.source) return {};
  const auto need_any = [&](std::string_view key,
                            std::initializer_list<std::string_view> values) -> Result<void> {
    if (std::ranges::any_of(values, [](std::string_view value) { return !value.empty(); })) return {};
    return profile_error(
        profile, key, fmt::format("is missing: the provider '{}' leaves it to each profile", provider.name));
  };
  TRY(need_any("token_url", {profile.token_url, provider.token_url, profile.issuer, provider.issuer,
                             profile.resource, fields.issuer, fields.resource}));
  return need_any("client_id",
                  {profile.client_id, profile.client_file, provider.client_id, fields.client_id});
}

std::vector<std::string> environment_of(const Provider& provider, const Profile& profile,
                                        std::string_view target) {
  std::vector<std::string> assignments;
  const bool has_socket = profile.delivery == Delivers::socket;
  if (has_socket && !provider.api) return assignments;
  for (const auto& [name, value] : has_socket ? provider.api->environment : provider.environment) {
    std::string filled = with_value(value, target_placeholder, target);
    if (has_socket && filled.find(port_placeholder) != filled.npos) {
      if (profile.loopback_port.empty()) continue;
      filled = with_value(std::move(filled), port_placeholder, profile.loopback_port);
    }
    assignments.push_back(fmt::format("{}={}", name, filled));
  }
  return assignments;
}

std::vector<std::string> provider_directories(std::string_view prefix) {
  return {"/etc/oci-oauth/providers.d", fmt::format("{}/share/oci-oauth/providers", prefix)};
}

std::vector<Provider> load_providers(const std::vector<std::string>& directories) {
  constexpr std::string_view suffix = ".json";
  std::set<std::string> names;
  for (const std::string& directory : directories) {
    const auto files = names_in({.path = directory});
    for (const std::string& file : files ? *files : std::vector<std::string>()) {
      if (file.ends_with(suffix)) names.insert(file.substr(0, file.size() - suffix.size()));
    }
  }
  std::vector<Provider> providers;
  for (const std::string& name : names) {
    if (auto provider = load_provider(name, directories)) providers.push_back(std::move(*provider));
  }
  return providers;
}

Result<Provider> load_provider(const ProviderEntry& which, const std::vector<std::string>& directories) {
  const std::string& name = which.provider;
  if (!is_valid_name(name)) return provider_error(name, "is not a valid provider name");
  const std::string file = name + ".json";
  for (const std::string& directory : directories) {
    const std::string path = fmt::format("{}/{}", directory, file);
    auto text = read_trusted_file(path, provider_limit, Owners::or_unmapped);
    if (!text && text.error().kind == ErrorKind::not_found) continue;
    if (!text) return Error::configuration(text.error().message).with_hint(text.error().hint);
    const bool has_several = text->find(entry_placeholder) != std::string::npos;
    if (!which.entry.empty() && !has_several) return wrong_entry(name, which.entry);
    const std::string filled = filled_in(std::move(*text), which);
    return parse_provider(filled, path, name);
  }
  return provider_error(name, fmt::format("there is no {} in {}", file, fmt::join(directories, ", ")))
      .with_hint("set \"provider\" in the profile to an existing one, for example \"claude\"");
}

Result<Provider> load_provider(const Profile& profile, const std::vector<std::string>& directories) {
  auto provider = TRY(load_provider(
      ProviderEntry{profile.provider, profile.entry, base_name(profile.credentials)}, directories));
  if (profile.entry.empty() && has_entries(provider)) return wrong_entry(provider.name, "");
  for (const ProviderEntry& other : profile.others) {
    // What is wrong with it is its own profile's to report.
    auto loaded = load_provider(other, directories);
    if (!loaded) continue;
    std::ranges::move(loaded->deliver, std::back_inserter(provider.deliver));
  }
  return provider;
}

bool can_log_in(const Profile& profile, const Provider& provider) {
  return !profile.source && provider.login_command.empty() &&
         (!profile.issuer.empty() || !provider.issuer.empty() || !provider.device_authorization_url.empty() ||
          !provider.authorization_url.empty());
}

std::string hint_to_log_in(const Profile& profile, const Provider& provider) {
  if (can_log_in(profile, provider)) return fmt::format("oci-oauth login {}", profile.name);
  const std::string& client = provider.login_command;
  return fmt::format("log in first, {}or correct \"credentials\" in the configuration",
                     client.empty() ? "" : fmt::format("with '{}', ", client));
}

}  // namespace oci_oauth
