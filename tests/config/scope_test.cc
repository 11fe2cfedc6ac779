// SPDX-License-Identifier: Apache-2.0
#include "config/scope.h"

#include <sched.h>
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

const char* no_environment(const char*) {
  return nullptr;
}

const char* relative(const char*) {
  return "relative";
}

const char* home_only(const char* name) {
  return std::string(name) == "HOME" ? "/home/me" : nullptr;
}

const char* xdg(const char* name) {
  const std::map<std::string, const char*> values = {
      {"HOME", "/home/me"}, {"XDG_CONFIG_HOME", "/conf"}, {"XDG_RUNTIME_DIR", "/run/user/7"}};
  const auto found = values.find(name);
  return found == values.end() ? nullptr : found->second;
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
  CHECK(config_path(Scope::system, xdg) == "/etc/oci-oauth/config.json");
  CHECK(default_runtime_dir(Scope::system, xdg) == "/run/oci-oauth");
  CHECK(config_path(Scope::user, xdg) == "/conf/oci-oauth/config.json");
  CHECK(default_runtime_dir(Scope::user, xdg) == "/run/user/7/oci-oauth");
  CHECK(config_path(Scope::user, home_only) == "/home/me/.config/oci-oauth/config.json");
  CHECK(default_runtime_dir(Scope::user, home_only).empty());
}

TEST_CASE("an environment without absolute paths names no place") {
  for (const GetEnvironment environment : {&no_environment, &relative}) {
    CHECK(config_path(Scope::user, environment).empty());
    CHECK(default_runtime_dir(Scope::user, environment).empty());
  }
}
