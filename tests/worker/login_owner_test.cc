// SPDX-License-Identifier: Apache-2.0
#include "worker/login_owner.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "support/catch.h"
#include "support/skip.h"
#include "support/temp_dir.h"

namespace oci_oauth {

namespace fs = std::filesystem;

namespace {

constexpr uid_t somebody = 54321;  // in no passwd
constexpr uid_t another = 54322;

void give(const std::string& path, uid_t uid) {
  REQUIRE(::lchown(path.c_str(), uid, uid) == 0);
}

uid_t owner_of(const std::string& path) {
  const auto owner = find_login_owner(path);
  INFO((owner ? "" : owner.error().message));
  REQUIRE(owner);
  return owner->uid;
}

// Runs `work` in a process of its own, whose rights it may give away. Result: the number of the first false
// step, counted from 1; 0 where there is none.
int first_failing_step(const std::vector<std::function<bool()>>& steps) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (size_t i = 0; i < steps.size(); ++i) {
      if (!steps[i]()) ::_exit(static_cast<int>(i + 1));
    }
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

LoginOwner user(uid_t uid) {
  return {uid, uid, {uid, 54400}, "somebody"};
}

// The hexadecimal masks of capabilities(7) in /proc/self/status, but for the bounding set.
bool has_no_capability() {
  std::ifstream status("/proc/self/status");
  const std::string none = "0000000000000000";
  for (std::string name, value; status >> name; std::getline(status, value)) {
    if (name != "CapInh:" && name != "CapPrm:" && name != "CapEff:" && name != "CapAmb:") continue;
    status >> value;
    if (value != none) return false;
  }
  return true;
}

// As a service of systemd's with another User= and AmbientCapabilities=CAP_SETUID CAP_SETGID.
bool become_another_keeping_setuid(uid_t uid) {
  constexpr unsigned kept = 1U << CAP_SETUID | 1U << CAP_SETGID;
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{kept, kept, kept}, {}};
  return ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && ::setresgid(uid, uid, uid) == 0 &&
         ::setresuid(uid, uid, uid) == 0 && ::syscall(SYS_capset, &header, data) == 0 &&
         ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETUID, 0, 0) == 0 &&
         ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETGID, 0, 0) == 0;
}

bool can_write(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

}  // namespace

TEST_CASE("a path that is root's all along belongs to root") {
  const auto owner = find_login_owner("/etc/passwd");
  REQUIRE(owner);
  CHECK(owner->uid == 0);
  CHECK(owner->name == "root");
  CHECK(owner_of("/etc/.//../etc/there-is-no-such-file") == 0);
  CHECK(owner_of("/../..") == 0);
}

TEST_CASE("a command runs as the user that is named, or as root") {
  Profile profile;
  profile.name = "p";
  profile.source = ExecSource{.exec = {"/bin/x"}};
  CHECK(owner_of(profile)->uid == 0);
  profile.source->user = "daemon";
  CHECK(owner_of(profile)->uid == 1);
  profile.source->user = "no-such-user";
  CHECK(owner_of(profile).error().message == "/profiles/p/source/user: there is no user 'no-such-user'");
}

TEST_CASE("our own directory is ours") {
  const TempDir directory;
  CHECK(owner_of(directory / "credentials") == ::getuid());
}

TEST_CASE("the first owner on the way counts, not the last") {
  if (without_root()) return;
  const TempDir directory;
  fs::create_directories(directory / "home/inner");
  directory.write("home/inner/file", "");
  CHECK(owner_of(directory / "home/inner/file") == 0);
  give(directory / "home/inner/file", another);
  CHECK(owner_of(directory / "home/inner/file") == another);
  give(directory / "home", somebody);
  CHECK(owner_of(directory / "home/inner/file") == somebody);
  CHECK(owner_of(directory / "home/missing/file") == somebody);
}

TEST_CASE("a user's link to root's file is the user's") {
  if (without_root()) return;
  const TempDir directory;
  fs::create_directory(directory / "home");
  give(directory / "home", somebody);
  fs::create_symlink("/etc/shadow", directory / "home/credentials");
  CHECK(owner_of(directory / "home/credentials") == somebody);
  fs::create_symlink("/etc", directory / "link");
  give(directory / "link", somebody);
  CHECK(owner_of(directory / "link/shadow") == somebody);
}

TEST_CASE("root's link is followed to its target's owner") {
  if (without_root()) return;
  const TempDir directory;
  fs::create_directory(directory / "home");
  fs::create_directory(directory / "links");
  give(directory / "home", somebody);
  fs::create_symlink("../home", directory / "links/relative");
  fs::create_symlink(directory / "home/file", directory / "links/absolute");
  fs::create_symlink("missing", directory / "links/dangling");
  CHECK(owner_of(directory / "links/relative/file") == somebody);
  CHECK(owner_of(directory / "links/absolute") == somebody);
  CHECK(owner_of(directory / "links/dangling") == 0);
}

TEST_CASE("a user without a passwd entry has the group of the path, and a number for a name") {
  if (without_root()) return;
  const TempDir directory;
  give(directory.path(), somebody);
  const auto owner = find_login_owner(directory / "file");
  REQUIRE(owner);
  CHECK(owner->gid == somebody);
  CHECK(owner->groups == std::vector<gid_t>{somebody});
  CHECK(owner->name == "uid 54321");
}

TEST_CASE("a loop of links is an error") {
  if (without_root()) return;
  const TempDir directory;
  fs::create_symlink("b", directory / "a");
  fs::create_symlink("a", directory / "b");
  const auto owner = find_login_owner(directory / "a");
  REQUIRE_FALSE(owner);
  CHECK_THAT(owner.error().message, Catch::EndsWith("Too many levels of symbolic links"));
}

TEST_CASE("a path that leads nowhere is an error that names the place") {
  const auto missing = find_login_owner("/there-is-no-such/directory/file");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message == "/there-is-no-such: No such file or directory");
  CHECK(missing.error().hint.starts_with("create it as the user whose login it is"));
  const auto through_file = find_login_owner("/etc/passwd/file");
  REQUIRE_FALSE(through_file);
  CHECK(through_file.error().message == "/etc/passwd: Not a directory");
  CHECK_FALSE(find_login_owner("relative"));
  CHECK_FALSE(find_login_owner(""));
}

TEST_CASE("root becomes a user irrevocably") {
  if (without_root()) return;
  CHECK(first_failing_step({
            [] { return become(user(somebody)).has_value(); },
            [] { return ::getuid() == somebody && ::geteuid() == somebody; },
            [] { return ::getgid() == somebody && ::getegid() == somebody; },
            [] {
              gid_t groups[8];
              return ::getgroups(8, groups) == 2 && groups[0] == somebody && groups[1] == 54400;
            },
            [] { return ::setuid(0) != 0 && ::seteuid(0) != 0 && ::setgid(0) != 0; },
            [] { return ::setgroups(0, nullptr) != 0; },
            has_no_capability,
            [] { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1; },
        }) == 0);
}

TEST_CASE("so does a process with no other right of root than to become somebody") {
  if (without_root()) return;
  for (const uid_t owner : {somebody, uid_t{0}}) {
    CHECK(first_failing_step({
              [] { return become_another_keeping_setuid(another); },
              [&] { return become(user(owner)).has_value(); },
              [&] { return ::getuid() == owner && ::geteuid() == owner; },
              [] { return ::setuid(another) != 0 && ::setgroups(0, nullptr) != 0; },
              has_no_capability,
          }) == 0);
  }
}

TEST_CASE("root's own login is handled without capabilities") {
  if (without_root()) return;
  CHECK(first_failing_step({
            [] {
              return become({0, 0, {0}, "root"}).has_value();
            },
            has_no_capability,
        }) == 0);
}

TEST_CASE("a user cannot become somebody else") {
  CHECK(first_failing_step({
            [] { return ::geteuid() != 0 || become(user(somebody)).has_value(); },
            [] { return become(user(::getuid())).has_value(); },
            [] { return !become(user(another)); },
            [] {
              return !become({0, 0, {0}, "root"});
            },
        }) == 0);
}

TEST_CASE("confined, files can be changed in one place only") {
  const TempDir home;
  const std::string login = home / ".claude", file = login + "/file", other = home.write("other", "x");
  fs::create_directory(login);
  const auto confine = [&] {
    const auto confined = confine_writes(login);
    if (confined && !*confined) ::_exit(0);  // no Landlock here
    return confined.has_value();
  };
  CHECK(first_failing_step({
            [] { return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0; },
            confine,
            [&] { return can_write(file); },
            [&] { return ::rename(file.c_str(), (login + "/renamed").c_str()) == 0; },
            [&] { return !can_write(other) && !can_write(home / "new"); },
            [&] { return ::access(other.c_str(), R_OK) == 0 && ::unlink(other.c_str()) != 0; },
            [&] { return ::rename((login + "/renamed").c_str(), (home / "out").c_str()) != 0; },
            [&] { return ::mkdir((home / ".claude.lock").c_str(), 0700) == 0; },
            [&] { return ::rmdir((home / ".claude.lock").c_str()) == 0; },
            [] { return ::mkdir("/tmp/oci-oauth-test-elsewhere", 0700) != 0; },
        }) == 0);
}

TEST_CASE("confining to a directory that is missing is an error") {
  const TempDir home;
  CHECK(first_failing_step({[&] {
          const auto confined = confine_writes(home / "missing");
          return !confined || !*confined;
        }}) == 0);
}

}  // namespace oci_oauth
