// SPDX-License-Identifier: Apache-2.0
#include "setup/configuration.h"

#include <glob.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <set>
#include <utility>

#include "base/file.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr const char* default_provider = "claude";
constexpr size_t login_limit = MiB;

const char* no_environment(const char*) {
  return nullptr;
}

// sudo(8) names its caller in SUDO_USER and SUDO_UID; only root could have changed them.
Result<uid_t> uid_of_sudo(std::string_view number, std::string_view name) {
  const auto uid = number_in<uid_t>(number);
  const passwd* entry = uid ? ::getpwuid(*uid) : nullptr;
  if (entry != nullptr && name == entry->pw_name) return *uid;
  return Error{ErrorKind::usage,
               fmt::format("SUDO_USER '{}' and SUDO_UID '{}' are different users", name, number),
               "$0 --credentials FILE"};
}

std::string path_of(const LoginPlace& place, const UserHome& home) {
  const char* moved = place.variable.empty() ? nullptr : home.environment(place.variable.c_str());
  if (moved != nullptr && moved[0] == '/') return fmt::format("{}/{}", moved, place.file);
  return fmt::format("{}/{}/{}", home.directory, place.directory, place.file);
}

Error not_ours(const std::string& path, uid_t owner) {
  return {ErrorKind::failed, fmt::format("{}: uid {} could have put it there", path, owner)};
}

// What is opened is checked again, because the path may have changed since it was walked.
Result<JsonDocument> read_json(const std::string& path, uid_t uid) {
  if (const auto other = TRY(find_other_owner(path, uid))) return not_ours(path, other->uid);
  const auto fd = TRY(open_file({.path = path}, O_RDONLY));
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) return Error::from_errno(errno, path);
  if (status.st_uid != uid && status.st_uid != 0) return not_ours(path, status.st_uid);
  const Secret text(TRY(read_file(fd.get(), status, login_limit, path)));
  return parse_json(text.reveal(), path);
}

bool has_text(const JsonValue& document, const std::string& pointer) {
  const JsonValue* value = json_at(document, pointer);
  return value != nullptr && value->IsString() && value->GetStringLength() > 0;
}

Error no_token(const FoundLogin& login, std::string_view what) {
  return {ErrorKind::action_required,
          fmt::format("{}: {}has no {} of {}", login.path,
                      login.entry.empty() ? "" : fmt::format("'{}' ", login.entry), what, login.provider)};
}

std::string missing_of(const JsonValue& document, const JsonValue& client, const Provider& provider) {
  const CredentialFields& fields = provider.fields;
  if (!has_text(document, fields.refresh_token)) return "refresh token";
  if (!has_text(document, fields.client_id) && !has_text(client, "/client_id")) return "client";
  const bool has_server =
      has_text(document, fields.issuer) || has_text(document, fields.resource) || has_text(client, "/issuer");
  return has_server ? "" : "server";
}

// The only login of a client, which can be refreshed, or one of several.
bool is_only(const Provider& provider) {
  return !has_entries(provider) && provider.place.file.find('*') == std::string::npos;
}

// Whether the login is usable, and what it lacks. Each of several has a client and a server of its own.
FoundLogin examined(FoundLogin login, const JsonValue& document, const Provider& provider, uid_t uid) {
  const CredentialFields& fields = provider.fields;
  const bool is_refreshable = has_text(document, fields.refresh_token);
  if (is_only(provider) && login.entry.empty()) {
    if (!is_refreshable) login.usable = no_token(login, "refresh token");
    return login;
  }
  JsonDocument client = json_object();
  if (!login.client_file.empty()) {
    auto read = read_json(login.client_file, uid);
    if (read) client = *std::move(read);
    if (!read) login.client_file.clear();
  }
  login.lacks = missing_of(document, client, provider);
  if (!is_refreshable && !has_text(document, fields.access_token)) login.usable = no_token(login, "token");
  return login;
}

// The names of the logins in a document.
std::vector<std::string> entries_of(const JsonValue& document, const Provider& provider) {
  const std::string& pointer = provider.fields.refresh_token;
  const std::string parent = pointer.substr(0, pointer.find("/{entry}"));
  const JsonValue* const object = parent.empty() ? &document : json_at(document, parent);
  std::vector<std::string> entries;
  if (object == nullptr || !object->IsObject()) return entries;
  for (const auto& member : object->GetObject()) {
    if (member.value.IsObject()) entries.emplace_back(json_text(member.name));
  }
  return entries;
}

// The files that a pattern stands for.
std::vector<std::string> files_of(const std::string& pattern) {
  glob_t matches = {};
  std::vector<std::string> files;
  if (::glob(pattern.c_str(), 0, nullptr, &matches) == 0)
    files.assign(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  ::globfree(&matches);
  return files;
}

// HASH_client.json beside HASH_tokens.json, by their endings.
std::string client_file_of(const std::string& path, const LoginPlace& place) {
  const size_t star = place.file.rfind('*');
  if (place.client_file.empty() || star == std::string::npos) return "";
  const size_t ending = place.file.size() - star - 1;
  return path.substr(0, path.size() - ending) + place.client_file;
}

std::vector<FoundLogin> logins_at(const std::string& path, const Provider& provider, const UserHome& home,
                                  const std::vector<std::string>& directories) {
  const auto document = read_json(path, home.uid);
  if (!document) return {{.provider = provider.name, .path = path, .usable = document.error()}};
  if (!has_entries(provider)) {
    return {examined({provider.name, path, "", client_file_of(path, provider.place)}, *document, provider,
                     home.uid)};
  }
  std::vector<FoundLogin> logins;
  for (const std::string& entry : entries_of(*document, provider)) {
    const auto own = load_provider(ProviderEntry{provider.name, entry}, directories);
    if (own) logins.push_back(examined({provider.name, path, entry}, *document, *own, home.uid));
  }
  return logins;
}

std::string empty_configuration(const Host& host) {
  JsonValue json = json_object();
  if (!host.runtime_dir.empty()) json_set(json, "runtime_dir", host.runtime_dir);
  json_set(json, "profiles", json_object());
  return std::string(write_json(json, JsonStyle::indented).reveal());
}

struct NewProfile {
  std::string name;
  JsonValue json;
  std::string login, lacks;

  std::string text() const { return fmt::format("\"{}\": {}", name, write_json(json).reveal()); }
};

// An entry's name up to what a profile's name cannot have, with a number if it is taken.
std::string name_for(const FoundLogin& login, std::set<std::string>& taken) {
  constexpr size_t limit = 60;
  std::string wanted =
      login.entry.empty() ? login.provider : fmt::format("{}-{}", login.provider, login.entry);
  wanted.resize(
      std::min({wanted.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"),
                wanted.size(), limit}));
  std::string name = wanted;
  for (unsigned number = 2; !taken.insert(name).second; ++number) name = fmt::format("{}-{}", wanted, number);
  return name;
}

NewProfile profile_for(const FoundLogin& login, std::string name) {
  JsonValue profile = json_object({{"credentials", login.path}});
  if (name != login.provider) json_set(profile, "provider", login.provider);
  if (!login.entry.empty()) json_set(profile, "entry", login.entry);
  if (!login.client_file.empty()) json_set(profile, "client_file", login.client_file);
  return {std::move(name), std::move(profile),
          login.entry.empty() ? login.path : fmt::format("'{}' in {}", login.entry, login.path), login.lacks};
}

// The profiles of the logins that no profile of the configuration has.
std::vector<NewProfile> missing_profiles(const Config& config, const std::vector<FoundLogin>& logins) {
  std::set<std::string> names;
  std::set<std::pair<std::string, std::string>> known;
  for (const Profile& profile : config.profiles) {
    names.insert(profile.name);
    known.emplace(profile.credentials, profile.entry);
  }
  std::vector<NewProfile> missing;
  for (const FoundLogin& login : logins) {
    if (known.emplace(login.path, login.entry).second)
      missing.push_back(profile_for(login, name_for(login, names)));
  }
  return missing;
}

// Those that are usable, at least one. Failure: what is wrong with the only one, or that there is none.
Result<std::vector<FoundLogin>> usable_of(std::vector<FoundLogin> found, const UserHome& home) {
  const std::string reason = found.size() == 1 && !found.front().usable
                                 ? ": " + found.front().usable.error().message
                                 : " in " + home.directory;
  std::set<std::string> clients;
  for (const FoundLogin& login : found) clients.insert(login.provider);
  std::erase_if(found, [](const FoundLogin& login) { return !login.usable; });
  if (!found.empty()) return found;
  return Error{
      ErrorKind::action_required, fmt::format("no login found{}", reason),
      fmt::format("as {}, log in with {}, or $0 --credentials FILE", home.user,
                  clients.size() > 1 ? fmt::format("one of {}", fmt::join(clients, ", ")) : "its program")};
}

// An absolute path and, on this machine, of a regular file.
Result<std::string> named_login(const Tree& tree, const std::string& file) {
  // As the person calls it, symbolic links included.
  const std::unique_ptr<char, decltype(&::free)> here(::get_current_dir_name(), ::free);
  if (!here) return Error::from_errno(errno, "the current directory");
  const auto path = normalised_path(file.starts_with('/') ? file : fmt::format("{}/{}", here.get(), file));
  if (!path) return Error{ErrorKind::usage, fmt::format("'{}' is not a path without '..'", file)};
  struct stat status;
  if (!tree.is_host()) return *path;
  if (::stat(path->c_str(), &status) != 0) return Error::from_errno(errno, *path);
  if (S_ISREG(status.st_mode)) return *path;
  return Error{ErrorKind::failed, fmt::format("{}: is {}, not a login", *path, file_type(status.st_mode))};
}

Result<std::vector<FoundLogin>> chosen_logins(const Host& host, const LoginChoice& choice) {
  const std::string name = choice.provider.value_or(default_provider);
  const std::vector<std::string> places = provider_places(host);
  std::vector<Provider> providers;
  if (choice.provider) providers.push_back(TRY(load_provider(name, places)));
  if (choice.credentials) {
    if (choice.provider && has_entries(providers.front())) {
      return Error{ErrorKind::usage,
                   fmt::format("--credentials: {}: has several logins of '{}', so each needs an \"entry\"",
                               *choice.credentials, name),
                   "add profiles for them to the configuration"};
    }
    auto path = named_login(host.tree, *choice.credentials);
    if (!path) return std::move(path).error().in("--credentials");
    return std::vector<FoundLogin>{{name, std::move(*path)}};
  }
  if (choice.provider && providers.front().place.file.empty()) {
    return Error{ErrorKind::usage, fmt::format("--provider: '{}' does not say where its login is", name),
                 "$0 --credentials FILE"};
  }
  if (!choice.provider) providers = load_providers(places);
  const auto home = TRY(home_of_caller());
  auto found = usable_of(find_logins(home, providers, places), home);
  if (found || host.tree.is_host()) return found;
  return std::move(found).error().with_hint("with its path on that machine: $0 --credentials FILE");
}

// An existing configuration is extended only if a login is named, and a person's only by that person. One
// that our programs cannot read is refused: no container would get a token.
Result<void> plan_profiles(const Host& host, const LoginChoice& choice, PlannedConfiguration& planned) {
  auto& [change, notes] = planned;
  if (!change.after) change.after = empty_configuration(host);
  const auto config = TRY(parse_config(*change.after, change.shown));
  const bool is_named = choice.credentials || choice.provider;
  const auto logins = chosen_logins(host, choice);
  if (!logins && (!change.before || is_named)) return logins.error();
  const auto missing = missing_profiles(config, logins ? *logins : std::vector<FoundLogin>());
  if (change.before && !is_named) {
    for (const NewProfile& profile : missing) {
      notes.push_back(
          fmt::format("{}: is a login without a profile; to add one, put {} into \"profiles\" of {}",
                      profile.login, profile.text(), change.shown));
    }
    return {};
  }
  if (change.part != OwnedPart::whole && !missing.empty()) {
    return Error{
        ErrorKind::configuration,
        fmt::format("{}: already exists and has no profile with {}", change.shown, missing.front().login),
        fmt::format("add {} to its \"profiles\"", missing.front().text())};
  }
  for (const NewProfile& profile : missing) {
    TRY(set_member(change, {"profiles", profile.name}, profile.json));
    if (choice.credentials) continue;
    notes.push_back(
        fmt::format("profile '{}' is for the login {}{}", profile.name, profile.login,
                    profile.lacks.empty() ? "" : ", which cannot be refreshed: it has no " + profile.lacks));
  }
  if (!change.before)
    change.after = write_json(TRY(parse_json(*change.after, change.shown)), JsonStyle::indented).reveal();
  return {};
}

}  // namespace

Result<UserHome> home_of_caller() {
  const std::string_view number = from_environment("SUDO_UID"), name = from_environment("SUDO_USER");
  const bool by_sudo = ::geteuid() == 0 && !(number.empty() && name.empty());
  const uid_t uid = by_sudo ? TRY(uid_of_sudo(number, name)) : ::geteuid();
  const passwd* entry = ::getpwuid(uid);
  // In a container, the ids of users may have no names.
  const std::string user = entry != nullptr ? entry->pw_name : fmt::format("uid {}", uid);
  const std::string_view home = from_environment("HOME");
  if (!by_sudo && home.starts_with('/')) return UserHome{std::string(home), uid, user, own_environment};
  if (entry != nullptr) return UserHome{entry->pw_dir, uid, user, by_sudo ? no_environment : own_environment};
  return Error{ErrorKind::usage, fmt::format("uid {}: is not in the password database", uid),
               "$0 --credentials FILE"};
}

std::vector<FoundLogin> find_logins(const UserHome& home, const std::vector<Provider>& providers,
                                    const std::vector<std::string>& directories) {
  std::vector<FoundLogin> logins;
  for (const Provider& provider : providers) {
    if (provider.place.file.empty()) continue;
    const std::string pattern = path_of(provider.place, home);
    for (const std::string& path : is_only(provider) ? std::vector{pattern} : files_of(pattern))
      std::ranges::move(logins_at(path, provider, home, directories), std::back_inserter(logins));
  }
  return logins;
}

std::vector<std::string> provider_places(const Host& host) {
  std::vector<std::string> places;
  for (const std::string& directory : provider_directories(host.prefix))
    places.push_back(host.tree.shown(directory));
  places.push_back(provider_directories(host.prefix).back());
  return places;
}

Result<PlannedConfiguration> plan_configuration(const Host& host, const LoginChoice& choice) {
  PlannedConfiguration planned = {TRY(plan_without_ours(host, host.config, OwnedPart::whole)), {}};
  const auto& before = planned.change.before;
  const LedgerFile* entry = host.ledger.find(host.config, before);
  const bool is_ours = entry != nullptr && entry->part == OwnedPart::whole && before == entry->after;
  if (before && !is_ours) planned.change = TRY(plan_without_ours(host, host.config, OwnedPart::json_members));
  planned.change.after = before;
  TRY(plan_profiles(host, choice, planned));
  return planned;
}

Result<void> set_runtime(Change& change, const std::string& real_runtime) {
  const auto config = TRY(parse_config(*change.after, change.shown));
  if (config.runtime.empty() || config.runtime == real_runtime)
    return set_member(change, {"runtime"}, to_json(real_runtime));
  return Error{ErrorKind::configuration,
               fmt::format("{}: /runtime: is '{}', but the engine's default is {}", change.shown,
                           config.runtime, real_runtime),
               "make them the same: the wrapper runs one runtime for all engines"};
}

Result<Config> configuration_of(const Host& host) {
  const auto text = host.planned_configuration.empty() ? TRY(host.tree.read(host.config))
                                                       : std::optional(host.planned_configuration);
  return parse_config(text.value_or(R"({"profiles": {"claude": {"credentials": "/"}}})"),
                      host.tree.shown(host.config));
}

}  // namespace oci_oauth
