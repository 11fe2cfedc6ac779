// SPDX-License-Identifier: Apache-2.0
#include "config/scope.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "support/catch.h"
#include "support/child_process.h"
#include "support/skip.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

// "CONFIGURATION RUNTIME_DIR" of a user with only these variables.
std::string places(const std::map<std::string, std::string>& variables) {
  const ChildProcess user([&] {
    ::clearenv();
    for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
    return config_path(Scope::user) + " " + default_runtime_dir(Scope::user);
  });
  return user.answer();
}

constexpr uid_t first_id = 1000000000;

// The scope that root of a user namespace with the ids from first_id has, whose "/" is `root`.
std::string scope_in_user_namespace(const std::string& root) {
  Gate unshared, mapped;
  const ChildProcess child([&]() -> std::string {
    if (::unshare(CLONE_NEWUSER) != 0) return "unshare";
    unshared.open();
    mapped.wait();
    if (::setresuid(0, 0, 0) != 0) return "setresuid";
    if (::chroot(root.c_str()) != 0) return "chroot";
    return scope_of_caller() == Scope::system ? "system" : "user";
  });
  if (!unshared.wait()) return child.answer();
  for (const char* map : {"uid_map", "gid_map"})
    std::ofstream("/proc/" + std::to_string(child.pid()) + "/" + map)
        << "0 " + std::to_string(first_id) + " 65536";
  mapped.open();
  return child.answer();
}

// What a user whose home does not exist is told.
std::string told(const std::string& named, const char* variable = nullptr) {
  const ChildProcess user([&] {
    if (::geteuid() == 0 && ::setresuid(54321, 54321, 54321) != 0) return failed("setresuid");
    ::setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    ::unsetenv("OCI_OAUTH_CONFIG");
    if (variable != nullptr) ::setenv("OCI_OAUTH_CONFIG", variable, 1);
    const auto config = open_configuration(named);
    return config ? std::string("opened") : config.error().message + "|" + config.error().hint;
  });
  return user.answer();
}

}  // namespace

TEST_CASE("the machine's root serves the system") {
  if (::geteuid() != 0) return skip("needs root");
  CHECK(scope_of_caller() == Scope::system);
}

TEST_CASE("a user serves itself, whatever belongs to it") {
  if (::geteuid() != 0) return skip("needs root");
  const ChildProcess user([]() -> std::string {
    if (::setresuid(1, 1, 1) != 0) return "setresuid";
    return scope_of_caller("/") == Scope::user ? "user" : "system";
  });
  CHECK(user.answer() == "user");
}

TEST_CASE("root of a user namespace serves the system where all that leads to the configuration is its own") {
  if (::geteuid() != 0) return skip("needs root");
  const TempDir directory;
  const std::string root = directory / "root", etc = root + "/etc";
  ::chmod((directory / ".").c_str(), 0755);
  REQUIRE(::mkdir(root.c_str(), 0755) == 0);
  CHECK(scope_in_user_namespace(root) == "user");  // the host's, as a rootless engine's hook finds it
  REQUIRE(::mkdir(etc.c_str(), 0755) == 0);
  REQUIRE(::chown(etc.c_str(), first_id, first_id) == 0);
  CHECK(scope_in_user_namespace(root) == "user");  // rootless Docker's: a copy of /etc over the host's

  REQUIRE(::chown(root.c_str(), first_id, first_id) == 0);
  CHECK(scope_in_user_namespace(root) == "system");

  REQUIRE(::mkdir((etc + "/oci-oauth").c_str(), 0755) == 0);
  directory.write("root/etc/oci-oauth/config.json", "{}");
  CHECK(scope_in_user_namespace(root) == "user");
  for (const char* name : {"/oci-oauth", "/oci-oauth/config.json"})
    REQUIRE(::chown((etc + name).c_str(), first_id, first_id) == 0);
  CHECK(scope_in_user_namespace(root) == "system");
}

TEST_CASE("a scope has a place for its configuration and for its runtime directory") {
  CHECK(config_path(Scope::system) == "/etc/oci-oauth/config.json");
  CHECK(default_runtime_dir(Scope::system) == "/run/oci-oauth");
  CHECK(places({{"HOME", "/home/me"}, {"XDG_CONFIG_HOME", "/conf"}, {"XDG_RUNTIME_DIR", "/run/user/7"}}) ==
        "/conf/oci-oauth/config.json /run/user/7/oci-oauth");
  CHECK(places({{"HOME", "/home/me"}}) == "/home/me/.config/oci-oauth/config.json ");
}

TEST_CASE("an environment without absolute paths names no place") {
  CHECK(places({}) == " ");
  CHECK(places({{"HOME", "a"}, {"XDG_CONFIG_HOME", "b"}, {"XDG_RUNTIME_DIR", "c"}}) == " ");
}

TEST_CASE("who has no configuration is told the command that makes one") {
  CHECK(told("") == "/nonexistent/oci-oauth/config.json: No such file or directory|oci-oauth setup");
}

TEST_CASE("who has named a configuration is told to create that one") {
  const std::string expected =
      "/none.json: No such file or directory|create it, as shown in: man 5 oci-oauth-config";
  CHECK(told("/none.json") == expected);
  CHECK(told("", "/none.json") == expected);
}

TEST_CASE("one configuration for all hosts of a fleet says what each of them does") {
  const TempDir directory;
  const auto opened =
      [&](const std::string& host) {
        return open_configuration(directory.write("config.json", R"({"runtime_dir": "/run/x",
      "fleet": {"endpoints": ["https://a"], "ca_file": "/a", "certificate_file": "/c", "key_file": "/k",
                "refreshers": ["one", "two"], "host": ")" + host + R"("},
      "profiles": {"claude": {"fleet": true, "credentials": "/home/me/login"}},
      "sinks": [{"exec": ["/one"], "host": "one"}, {"exec": ["/three"], "host": "three"}]})"))
            .take();
      };
  for (const auto& [host, role, sink] : {std::tuple{"one", FleetRole::refresher, "/one"},
                                         {"two", FleetRole::refresher, ""},
                                         {"three", FleetRole::follower, "/three"}}) {
    const Config config = opened(host);
    CHECK(config.fleet->role == role);
    const std::string kept = config.sinks.empty() ? "" : config.sinks.front().exec.front();
    CHECK(kept == sink);
  }
}

TEST_CASE("a host that is not named otherwise has its host name") {
  const TempDir directory;
  char name[256] = "";
  REQUIRE(::gethostname(name, sizeof name - 1) == 0);
  const auto config = open_configuration(directory.write(
      "config.json", std::string(R"({"runtime_dir": "/run/x", "profiles": {"claude": {"credentials": "/l"}},
        "sinks": [{"exec": ["/c"], "host": ")") +
                         name + R"("}, {"exec": ["/d"], "host": "another"}]})"));
  REQUIRE(config);
  CHECK(config->sinks.size() == 1);
}
