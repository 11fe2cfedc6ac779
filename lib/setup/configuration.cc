// SPDX-License-Identifier: Apache-2.0
#include "setup/configuration.h"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>

#include "base/file.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/path.h"
#include "config/config.h"

namespace oci_oauth {

namespace {

constexpr const char* profile_name = "claude";                      // and its provider's
constexpr const char* login_in_home = ".claude/.credentials.json";  // Claude Code's

std::string_view from_environment(const char* name) {
  const char* value = ::secure_getenv(name);
  return value == nullptr ? "" : value;
}

// sudo(8) names its caller in SUDO_USER and SUDO_UID; only root could have changed them.
Result<uid_t> calling_user() {
  const std::string_view number = from_environment("SUDO_UID"), name = from_environment("SUDO_USER");
  if (::geteuid() != 0 || (number.empty() && name.empty())) return ::geteuid();
  uid_t uid = 0;
  const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), uid);
  const passwd* entry =
      failure == std::errc() && end == number.data() + number.size() ? ::getpwuid(uid) : nullptr;
  if (entry != nullptr && name == entry->pw_name) return uid;
  return Error{ErrorKind::usage,
               fmt::format("SUDO_USER '{}' and SUDO_UID '{}' are different users", name, number),
               "name the login with --credentials FILE"};
}

Result<void> check_is_file(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) return Error::from_errno(errno, path);
  if (S_ISREG(status.st_mode)) return {};
  return Error{ErrorKind::failed, fmt::format("{}: is {}, not a login", path, file_type(status.st_mode))};
}

std::string configuration_text(const Host& host, const std::string& credentials) {
  JsonValue json = json_object();
  JsonValue profile = json_object(), profiles = json_object();
  if (!host.runtime_dir.empty()) json_set(json, "runtime_dir", host.runtime_dir);
  json_set(profile, "credentials", credentials);
  json_set(profiles, profile_name, std::move(profile));
  json_set(json, "profiles", std::move(profiles));
  return std::string(write_json(json, JsonStyle::indented).reveal());
}

// An existing configuration belongs to a person, who has to add a missing login. With one that our programs
// cannot read, no container would get a token.
Result<void> check_configuration(const std::string& text, const std::string& source,
                                 const std::optional<std::string>& credentials) {
  const auto config = TRY(parse_config(text, source));
  if (!credentials) return {};
  for (const Profile& profile : config.profiles) {
    if (profile.credentials == *credentials) return {};
  }
  return Error{ErrorKind::configuration,
               fmt::format("{}: already exists and has no profile with {}", source, *credentials),
               "add a profile to it by hand, or omit --credentials"};
}

Result<void> check_runtime(const std::string& text, const std::string& source,
                           const std::string& real_runtime) {
  const auto there = TRY(find_json_member(text, source, {"runtime"}));
  if (!there || *there == json_quoted(real_runtime)) return {};
  return Error{
      ErrorKind::configuration,
      fmt::format("{}: /runtime: is {}, but the engine's default is {}", source, *there, real_runtime),
      "make them the same: the wrapper runs one runtime for all engines"};
}

Result<std::string> login_for(const Host& host, const std::optional<std::string>& credentials) {
  if (credentials) {
    auto named = named_login(host.tree, *credentials);
    return named ? named : std::move(named).error().in("--credentials");
  }
  auto found = find_login();
  if (found || host.tree.is_host()) return found;
  return std::move(found).error().with_hint(
      "name the login with --credentials FILE, as its path on that machine");
}

Result<WantedFile> new_configuration(const Host& host, const std::string& text,
                                     const std::string& real_runtime) {
  WantedFile wanted = {.path = host.config, .text = text};
  if (real_runtime.empty()) return wanted;
  wanted.text =
      TRY(set_json_member(text, host.tree.shown(host.config), {"runtime"}, json_quoted(real_runtime)));
  return wanted;
}

}  // namespace

Result<std::string> find_login() {
  const auto uid = TRY(calling_user());
  const passwd* entry = ::getpwuid(uid);
  if (entry == nullptr)
    return Error{ErrorKind::failed, fmt::format("uid {}: is not in the password database", uid),
                 "name the login with --credentials FILE"};
  std::string path = fmt::format("{}/{}", entry->pw_dir, login_in_home);
  auto found = check_is_file(path);
  if (found) return path;
  Error error = std::move(found).error().in("no login found");
  error.kind = ErrorKind::action_required;
  return std::move(error).with_hint(fmt::format(
      "run claude as {} and log in with /login, or name the file with --credentials FILE", entry->pw_name));
}

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
  if (!tree.is_host()) return path;
  TRY(check_is_file(path));
  return path;
}

Result<std::optional<WantedFile>> plan_configuration(const Host& host, const Ledger& ledger,
                                                     const std::optional<std::string>& credentials,
                                                     const std::string& real_runtime) {
  using Answer = std::optional<WantedFile>;
  const std::string source = host.tree.shown(host.config);
  auto current = TRY(host.tree.read(host.config));
  std::optional<std::string> login;
  if (credentials || !current) login = TRY(login_for(host, credentials));
  if (current) TRY(check_configuration(*current, source, login));
  if (current && !real_runtime.empty()) TRY(check_runtime(*current, source, real_runtime));
  const LedgerFile* entry = ledger.find(host.config);
  const bool ours = entry != nullptr && entry->part == OwnedPart::whole && current == entry->after;
  if (!current || ours) {
    auto wanted =
        TRY(new_configuration(host, current ? *current : configuration_text(host, *login), real_runtime));
    return Answer(std::move(wanted));
  }
  if (real_runtime.empty()) return Answer();
  return Answer({.path = host.config,
                 .part = OwnedPart::json_members,
                 .members = {{{"runtime"}, json_quoted(real_runtime)}}});
}

}  // namespace oci_oauth
