// SPDX-License-Identifier: Apache-2.0
#include "setup/configuration.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <set>
#include <utility>

#include "base/file.h"
#include "base/fmt.h"
#include "base/path.h"
#include "config/config.h"

namespace oci_oauth {

namespace {

constexpr const char* default_provider = "claude";

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

// An entry's name up to what a profile's name cannot have.
std::string name_for(const FoundLogin& login) {
  std::string name = login.entry.empty() ? login.provider : fmt::format("{}-{}", login.provider, login.entry);
  name.resize(
      std::min(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"),
               std::min<size_t>(name.size(), 60)));
  return name;
}

NewProfile profile_for(const FoundLogin& login, std::set<std::string>& names) {
  const std::string wanted = name_for(login);
  std::string name = wanted;
  for (unsigned number = 2; !names.insert(name).second; ++number) name = fmt::format("{}-{}", wanted, number);
  JsonValue profile = json_object();
  json_set(profile, "credentials", login.path);
  if (name != login.provider) json_set(profile, "provider", login.provider);
  if (!login.entry.empty()) json_set(profile, "entry", login.entry);
  if (!login.client_file.empty()) json_set(profile, "client_file", login.client_file);
  return {name, std::move(profile),
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
    if (known.emplace(login.path, login.entry).second) missing.push_back(profile_for(login, names));
  }
  return missing;
}

Error no_login(const UserHome& home, const std::string& reason, std::string_view clients) {
  return {ErrorKind::action_required, fmt::format("no login found{}", reason),
          fmt::format("as {}, log in with {}, or $0 --credentials FILE", home.user, clients)};
}

// Those that are usable, at least one. Failure: what is wrong with the only one, or that there is none.
Result<std::vector<FoundLogin>> usable_of(std::vector<FoundLogin> found, const UserHome& home) {
  std::vector<FoundLogin> usable;
  std::set<std::string> names;
  for (FoundLogin& login : found) {
    names.insert(login.provider);
    if (login.usable) usable.push_back(std::move(login));
  }
  if (!usable.empty()) return usable;
  const std::string clients =
      names.size() > 1 ? fmt::format("one of {}", fmt::join(names, ", ")) : "its program";
  const bool is_only_one = found.size() == 1;
  return no_login(home, is_only_one ? ": " + found.front().usable.error().message : " in " + home.directory,
                  clients);
}

// An absolute path and, on this machine, of a regular file.
Result<std::string> named_login(const Tree& tree, const std::string& file) {
  std::string path;
  std::string absolute = file;
  if (!absolute.starts_with('/')) {
    char* directory = ::get_current_dir_name();
    if (directory == nullptr) return Error::from_errno(errno, "the current directory");
    absolute = fmt::format("{}/{}", directory, file);
    ::free(directory);
  }
  if (!normalise_path(absolute, path)) {
    return Error{ErrorKind::usage, fmt::format("'{}' is not a path without '..'", file)};
  }
  struct stat status;
  if (!tree.is_host()) return path;
  if (::stat(path.c_str(), &status) != 0) return Error::from_errno(errno, path);
  if (S_ISREG(status.st_mode)) return path;
  return Error{ErrorKind::failed, fmt::format("{}: is {}, not a login", path, file_type(status.st_mode))};
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
  if (found || host.tree.is_host() || found.error().kind != ErrorKind::action_required) return found;
  return std::move(found).error().with_hint("with its path on that machine: $0 --credentials FILE");
}

// One note for each, unless it was named.
Result<void> add_profiles(Change& change, const Host& host, const std::vector<NewProfile>& missing,
                          const LoginChoice& choice, std::vector<std::string>& notes) {
  for (const NewProfile& profile : missing) {
    TRY(set_member(change, host.tree, {"profiles", profile.name}, profile.json));
    const std::string but =
        profile.lacks.empty() ? "" : ", which cannot be refreshed: it has no " + profile.lacks;
    if (!choice.credentials)
      notes.push_back(fmt::format("profile '{}' is for the login {}{}", profile.name, profile.login, but));
  }
  return {};
}

// An existing configuration is extended only if a login is named, and a person's only by that person. One
// that our programs cannot read is refused: no container would get a token.
Result<void> plan_profiles(Change& change, const Host& host, const LoginChoice& choice,
                           std::vector<std::string>& notes) {
  const std::string source = host.tree.shown(host.config);
  if (!change.after) change.after = empty_configuration(host);
  const auto config = TRY(parse_config(*change.after, source));
  const bool is_named = choice.credentials || choice.provider;
  const auto logins = chosen_logins(host, choice);
  if (!logins && (!change.before || is_named)) return logins.error();
  const auto missing = missing_profiles(config, logins ? *logins : std::vector<FoundLogin>());
  if (change.before && !is_named) {
    for (const NewProfile& profile : missing) {
      notes.push_back(
          fmt::format("{}: is a login without a profile; to add one, put {} into \"profiles\" of {}",
                      profile.login, profile.text(), source));
    }
    return {};
  }
  if (change.part != OwnedPart::whole && !missing.empty()) {
    return Error{ErrorKind::configuration,
                 fmt::format("{}: already exists and has no profile with {}", source, missing.front().login),
                 fmt::format("add {} to its \"profiles\"", missing.front().text())};
  }
  TRY(add_profiles(change, host, missing, choice, notes));
  if (!change.before)
    change.after = write_json(TRY(parse_json(*change.after, source)), JsonStyle::indented).reveal();
  return {};
}

}  // namespace

std::vector<std::string> provider_places(const Host& host) {
  std::vector<std::string> places;
  for (const std::string& directory : provider_directories(host.prefix))
    places.push_back(host.tree.shown(directory));
  places.push_back(provider_directories(host.prefix).back());
  return places;
}

Result<Change> plan_configuration(const Host& host, const Ledger& ledger, const LoginChoice& choice,
                                  std::vector<std::string>& notes) {
  auto change = TRY(plan_without_ours(host.tree, ledger, host.config, OwnedPart::whole));
  const LedgerFile* entry = ledger.find(host.config, change.before);
  const bool is_ours = entry != nullptr && entry->part == OwnedPart::whole && change.before == entry->after;
  if (change.before && !is_ours)
    change = TRY(plan_without_ours(host.tree, ledger, host.config, OwnedPart::json_members));
  change.after = change.before;
  TRY(plan_profiles(change, host, choice, notes));
  return change;
}

Result<void> set_runtime(Change& change, const Host& host, const std::string& real_runtime) {
  const std::string source = host.tree.shown(host.config);
  const auto config = TRY(parse_config(*change.after, source));
  if (config.runtime.empty() || config.runtime == real_runtime)
    return set_member(change, host.tree, {"runtime"}, to_json(real_runtime));
  return Error{ErrorKind::configuration,
               fmt::format("{}: /runtime: is '{}', but the engine's default is {}", source, config.runtime,
                           real_runtime),
               "make them the same: the wrapper runs one runtime for all engines"};
}

Result<Config> configuration_of(const Host& host) {
  const auto text = host.planned_configuration.empty() ? TRY(host.tree.read(host.config))
                                                       : std::optional(host.planned_configuration);
  return parse_config(text.value_or(R"({"profiles": {"claude": {"credentials": "/"}}})"),
                      host.tree.shown(host.config));
}

}  // namespace oci_oauth
