// SPDX-License-Identifier: Apache-2.0
#include "setup/unit_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <set>

#include "base/file.h"
#include "base/fmt.h"
#include "base/path.h"
#include "base/text.h"
#include "config/key_reader.h"

namespace oci_oauth {

namespace {

// Specifiers start with '%', systemd.unit(5).
std::string unit_value(std::string_view path) {
  return with_value(std::string(path), "%", "%%");
}

// A line break would start another setting, a backslash may join lines, and blanks at the ends are removed.
Result<void> check(const Config& config, const std::string& pointer, std::string_view path) {
  const bool is_plain = std::ranges::none_of(
      path, [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '\\' || c == '"'; });
  if (is_plain && !path.ends_with(' ')) return {};
  return configuration_error(pointer, "contains a character that is not allowed in a systemd unit file")
      .in(config.path);
}

UnitFile drop_in(std::string_view unit, std::string text, std::string_view name = "configuration") {
  return {fmt::format("{}.d/{}.conf", unit, name), std::move(text)};
}

// A setting with each value: a line each.
std::string lines(std::string_view before, const auto& values, std::string_view after = {}) {
  std::string text;
  for (const auto& value : values) text += fmt::format("{}{}{}\n", before, unit_value(value), after);
  return text;
}

// One unit for each login, because a unit that watches several misses changes of existing ones while another
// is missing. They start and stop with oci-oauth-refresh.path, even if the configuration adds one while that
// is running.
std::vector<UnitFile> path_units(const Config& config) {
  std::vector<UnitFile> units;
  std::string needed = "[Unit]\n";
  std::set<std::string> seen;
  for (const Profile& profile : config.profiles) {
    if (profile.credentials.empty() || !seen.insert(profile.credentials).second) continue;
    const std::string name = login_path_unit(profile.name);
    needed += fmt::format("Wants={0}\nUpholds={0}\n", name);
    units.push_back({name, fmt::format(R"([Unit]
Description=Republish the OAuth login of profile {0} as soon as its file changes
Documentation=man:oci-oauth(1)
PartOf=oci-oauth-refresh.path

[Path]
PathChanged={1}
Unit=oci-oauth-refresh.service
)",
                                       profile.name, unit_value(profile.credentials))});
  }
  units.push_back(drop_in("oci-oauth-refresh.path", std::move(needed)));
  return units;
}

// Where the exchange may write. Locks are directories beside the login's directory.
UnitFile exchange_drop_in(const Config& config) {
  std::vector<std::string> writable;
  for (const Profile& profile : config.profiles) {
    if (profile.credentials.empty()) continue;
    writable.push_back(parent_directory(profile.credentials));
    writable.push_back(parent_directory(writable.back()));
  }
  return drop_in("oci-oauth-exchange@.service", "[Service]\n" + lines("ReadWritePaths=\"-", writable, "\""));
}

// Of the fleet, where systemd-creds(1) has encrypted them into /etc/credstore.encrypted.
UnitFile keys_drop_in(std::string_view unit, std::initializer_list<std::string_view> keys) {
  return drop_in(unit, "[Service]\n" + lines("LoadCredentialEncrypted=oci-oauth.", keys), "keys");
}

constexpr std::string_view directory_unit = "oci-oauth-directory.service";

// Never mounted over a directory in use, because its containers would keep the old one. Never unmounted by
// hand, because they would not see later tokens.
UnitFile memory_mount(const std::string& directory, std::string_view condition, std::string_view size) {
  return {mount_unit_name(directory), fmt::format(R"([Unit]
Description=Memory for the access tokens that containers mount
Documentation=man:oci-oauth(1)
{1}=!{0}
RefuseManualStop=yes
Wants={3}
After={3}

[Mount]
What=oci-oauth
Where={0}
Type=tmpfs
Options=mode=0755,size={2},nosuid,nodev,noexec
DirectoryMode=0700
)",
                                                  unit_value(directory), condition, size, directory_unit)};
}

// systemd 262 makes the directories above a mount point with mode 0755, whatever DirectoryMode=
// says.
UnitFile directory_service(const std::string& directory) {
  return {std::string(directory_unit),
          fmt::format(R"([Unit]
Description=Directory of the access tokens that containers mount
Documentation=man:oci-oauth(1)
DefaultDependencies=no
RequiresMountsFor="{0}"

[Service]
Type=oneshot
ExecStart=:mkdir --parents --mode=0700 -- "{1}"
)",
                      unit_value(parent_directory(directory)), unit_value(directory))};
}

// A file system for each profile, so that no file handle leads from a container's mount to another profile's
// token.
void add_mounts(const Config& config, std::vector<UnitFile>& files) {
  std::vector<std::string> directories = {config.runtime_dir + "/share"};
  files.push_back(directory_service(config.runtime_dir));
  files.push_back(memory_mount(directories.front(), "ConditionDirectoryNotEmpty", "16m"));
  for (const Profile& profile : config.profiles) {
    directories.push_back(fmt::format("{}/{}", directories.front(), profile.name));
    files.push_back(memory_mount(directories.back(), "ConditionPathExists", "4m"));
  }
  const std::string needed = "[Unit]\n" + lines("RequiresMountsFor=\"", directories, "\"");
  for (const char* unit : {"refresh.service", "publish.service", "serve.service", "exchange@.service",
                           "sinks@.service", "refresh.socket", "fleet.service"})
    files.push_back(drop_in(fmt::format("oci-oauth-{}", unit), needed, "share"));
}

}  // namespace

std::string login_path_unit(std::string_view profile) {
  return fmt::format("oci-oauth-login-{}.path", profile);
}

std::string mount_unit_name(std::string_view path) {
  std::string name;
  for (const char c : path.substr(1)) {
    const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == ':' || c == '_' ||
                          (c == '.' && !name.empty());
    if (is_plain || c == '/') {
      name += is_plain ? c : '-';
    } else {
      name += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return name + ".mount";
}

Result<std::vector<UnitFile>> unit_files(const Config& config, Scope manager) {
  TRY(check(config, "/runtime_dir", config.runtime_dir));
  for (const Profile& profile : config.profiles)
    TRY(check(config, fmt::format("/profiles/{}/credentials", profile.name), profile.credentials));
  std::vector<UnitFile> files = path_units(config);
  for (const char* name : {"refresh", "proxy"}) {
    files.push_back(drop_in(fmt::format("oci-oauth-{}.socket", name),
                            fmt::format("[Socket]\nListenStream=\nListenStream={}/{}.sock\n",
                                        unit_value(config.runtime_dir), name)));
  }
  if (config.fleet)
    files.push_back(drop_in("basic.target", "[Unit]\nWants=oci-oauth-fleet.service\n", "oci-oauth-fleet"));
  if (manager == Scope::user) return files;
  files.push_back(exchange_drop_in(config));
  if (config.fleet) files.push_back(keys_drop_in("oci-oauth-fleet.service", {access_key_file, signers_file}));
  if (config.fleet && config.fleet->role == FleetRole::refresher) {
    for (const auto* unit :
         {"oci-oauth-refresh.service", "oci-oauth-publish.service", "oci-oauth-serve.service"})
      files.push_back(keys_drop_in(unit, {login_key_file, signing_key_file, access_key_file, signers_file}));
  }
  add_mounts(config, files);
  return files;
}

Scope service_manager_of(std::string_view systemd_scope, Scope caller) {
  if (systemd_scope.empty()) return caller;
  return systemd_scope == "user" ? Scope::user : Scope::system;
}

Result<void> write_unit_files(const std::vector<UnitFile>& files, const std::string& directory) {
  for (const UnitFile& file : files) {
    const std::string path = directory + "/" + file.path, parent = parent_directory(path);
    if (::mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST) return Error::from_errno(errno, parent);
    const auto opened = TRY(open_file({.path = parent}, O_RDONLY | O_DIRECTORY));
    TRY(replace_file(opened.get(), path.substr(parent.size() + 1), parent, file.text, {.mode = 0644}));
  }
  return {};
}

}  // namespace oci_oauth
