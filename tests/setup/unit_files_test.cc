// SPDX-License-Identifier: Apache-2.0
#include "setup/unit_files.h"

#include <algorithm>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
using Catch::Contains;

namespace {

Config a_config(const std::string& credentials) {
  Config config;
  config.path = "config.json";
  config.runtime_dir = "/run/oci-oauth";
  config.profiles.emplace_back();
  config.profiles.back().name = "claude";
  config.profiles.back().credentials = credentials;
  return config;
}

std::string text_of(const std::vector<UnitFile>& files, std::string_view path) {
  const auto found =
      std::find_if(files.begin(), files.end(), [&](const UnitFile& file) { return file.path == path; });
  return found == files.end() ? "" : found->text;
}

}  // namespace

TEST_CASE("a mount unit is named as systemd-escape --path does it") {
  CHECK(mount_unit_name("/run/oci-oauth/share") == "run-oci\\x2doauth-share.mount");
  CHECK(mount_unit_name("/a b/.c/\xc3\xa4") == "a\\x20b-.c-\\xc3\\xa4.mount");
  CHECK(mount_unit_name("/.hidden") == "\\x2ehidden.mount");
}

TEST_CASE("each login has a path unit, which goes with the one that is enabled") {
  Config config = a_config("/home/me/.claude/.credentials.json");
  for (const char* name : {"same", "other"}) {
    config.profiles.push_back(config.profiles.front());
    config.profiles.back().name = name;
  }
  config.profiles.back().credentials = "/srv/100%/login";
  const auto files = unit_files(config, Scope::system);
  REQUIRE(files);
  CHECK_THAT(text_of(*files, "oci-oauth-login-claude.path"),
             Contains("\nPathChanged=/home/me/.claude/.credentials.json\nUnit=oci-oauth-refresh.service\n") &&
                 Contains("\nPartOf=oci-oauth-refresh.path\n"));
  CHECK_THAT(text_of(*files, "oci-oauth-login-other.path"), Contains("\nPathChanged=/srv/100%%/login\n"));
  CHECK(text_of(*files, "oci-oauth-login-same.path").empty());
  CHECK(text_of(*files, "oci-oauth-refresh.path.d/configuration.conf") ==
        "[Unit]\nWants=oci-oauth-login-claude.path\nUpholds=oci-oauth-login-claude.path\n"
        "Wants=oci-oauth-login-other.path\nUpholds=oci-oauth-login-other.path\n");
}

TEST_CASE("a profile with a command has no file to watch or to write") {
  Config config = a_config("");
  config.profiles.back().source = ExecSource{.exec = {"/bin/x"}};
  const auto files = unit_files(config, Scope::system);
  REQUIRE(files);
  CHECK(text_of(*files, "oci-oauth-refresh.path.d/configuration.conf") == "[Unit]\n");
  CHECK(text_of(*files, "oci-oauth-exchange@.service.d/configuration.conf") == "[Service]\n");
}

TEST_CASE("a fleet's configuration starts the follower, which has no file of the login to watch") {
  Config config = a_config("");
  CHECK(text_of(*unit_files(config, Scope::system), "basic.target.d/oci-oauth-fleet.conf").empty());
  config.fleet.emplace();
  config.profiles.back().in_fleet = true;
  for (const auto manager : {Scope::system, Scope::user}) {
    const auto files = unit_files(config, manager);
    REQUIRE(files);
    CHECK(text_of(*files, "basic.target.d/oci-oauth-fleet.conf") ==
          "[Unit]\nWants=oci-oauth-fleet.service\n");
    CHECK(text_of(*files, "oci-oauth-login-claude.path").empty());
  }
}

TEST_CASE("each unit that reads a fleet's keys may have them as credentials, and no others") {
  Config config = a_config("/login");
  config.fleet.emplace();
  const auto keys_of = [&](const char* unit) {
    return text_of(*unit_files(config, Scope::system), std::string(unit) + ".d/keys.conf");
  };
  CHECK(
      keys_of("oci-oauth-fleet.service") ==
      "[Service]\nLoadCredentialEncrypted=oci-oauth.access.key\nLoadCredentialEncrypted=oci-oauth.signers\n");
  CHECK(keys_of("oci-oauth-refresh.service").empty());
  config.fleet->role = FleetRole::refresher;
  CHECK_THAT(keys_of("oci-oauth-refresh.service"), Contains("=oci-oauth.login.key\n"));
  CHECK_THAT(keys_of("oci-oauth-fleet.service"), !Contains("login.key"));
}

TEST_CASE("no drop-in is for units that are not ours") {
  const auto files = unit_files(a_config("/login"), Scope::system);
  REQUIRE(files);
  for (const UnitFile& file : *files)
    CHECK_THAT(file.path, !Contains("-.") && !Contains("oci-oauth-.service"));
}

TEST_CASE("the exchange may write where a login is, and beside that place") {
  const auto files = unit_files(a_config("/srv/a 100%/.claude/login"), Scope::system);
  REQUIRE(files);
  CHECK(text_of(*files, "oci-oauth-exchange@.service.d/configuration.conf") ==
        "[Service]\nReadWritePaths=\"-/srv/a 100%%/.claude\"\nReadWritePaths=\"-/srv/a 100%%\"\n");
}

TEST_CASE(
    "the socket is where runtime_dir is, and the share and each profile's directory there have a tmpfs") {
  Config config = a_config("/login");
  config.runtime_dir = "/run/other place";
  const auto files = unit_files(config, Scope::system);
  REQUIRE(files);
  CHECK_THAT(text_of(*files, "oci-oauth-refresh.socket.d/configuration.conf"),
             Contains("\nListenStream=\nListenStream=/run/other place/refresh.sock\n"));
  CHECK_THAT(text_of(*files, "oci-oauth-proxy.socket.d/configuration.conf"),
             Contains("\nListenStream=\nListenStream=/run/other place/proxy.sock\n"));
  const std::string mount = text_of(*files, mount_unit_name("/run/other place/share"));
  CHECK_THAT(mount, Contains("\nWhere=/run/other place/share\n"));
  CHECK_THAT(mount, Contains("\nConditionDirectoryNotEmpty=!/run/other place/share\n"));
  CHECK_THAT(mount, Contains("\nAfter=oci-oauth-directory.service\n"));
  CHECK_THAT(text_of(*files, "oci-oauth-directory.service"),
             Contains("\nExecStart=:mkdir --parents --mode=0700 -- \"/run/other place\"\n"));
  const std::string own = text_of(*files, mount_unit_name("/run/other place/share/claude"));
  CHECK_THAT(own, Contains("\nWhere=/run/other place/share/claude\n"));
  CHECK_THAT(own, Contains("\nConditionPathExists=!/run/other place/share/claude\n"));
  for (const std::string unit :
       {"oci-oauth-refresh.service", "oci-oauth-exchange@.service", "oci-oauth-refresh.socket"}) {
    CHECK(text_of(*files, unit + ".d/share.conf") ==
          "[Unit]\nRequiresMountsFor=\"/run/other place/share\"\n"
          "RequiresMountsFor=\"/run/other place/share/claude\"\n");
  }
}

TEST_CASE("a user's manager mounts nothing") {
  const auto files = unit_files(a_config("/login"), Scope::user);
  REQUIRE(files);
  for (const UnitFile& file : *files) CHECK_THAT(file.text, !Contains("Mount"));
}

TEST_CASE("a path that would break a unit file is refused with its key") {
  for (const std::string path : {"/a\nExecStart=/bin/sh", "/a\\", "/a\"b", "/a ", "/a\x7f"}) {
    const auto files = unit_files(a_config(path), Scope::system);
    REQUIRE_FALSE(files);
    CHECK(files.error().kind == ErrorKind::configuration);
    CHECK_THAT(files.error().message, Contains("/profiles/claude/credentials"));
  }
}

TEST_CASE("a generator serves the manager that runs it, and by hand the caller's own") {
  CHECK(service_manager_of("system", Scope::user) == Scope::system);
  CHECK(service_manager_of("user", Scope::system) == Scope::user);
  CHECK(service_manager_of("", Scope::user) == Scope::user);
  CHECK(service_manager_of("", Scope::system) == Scope::system);
}

TEST_CASE("unit files are written below a directory, and the same ones again") {
  const TempDir directory;
  const std::vector<UnitFile> files = {{"a.path", "[Path]\n"},
                                       {"b.service.d/configuration.conf", "[Service]\n"}};
  for (int i = 0; i < 2; ++i) REQUIRE(write_unit_files(files, directory.path()));
  for (const UnitFile& file : files) CHECK(directory.read(file.path) == file.text);
  const auto failed = write_unit_files(files, directory / "missing/below");
  REQUIRE_FALSE(failed);
  CHECK_THAT(failed.error().message, Contains("missing/below"));
}
