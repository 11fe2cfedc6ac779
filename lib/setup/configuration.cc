// SPDX-License-Identifier: Apache-2.0
#include "setup/configuration.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
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
  std::string path;
  if (!normalise_path(file.starts_with('/') ? file : TRY(real_path(".")) + "/" + file, path))
    return Error{ErrorKind::usage, fmt::format("'{}' is not a path without '..'", file)};
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
