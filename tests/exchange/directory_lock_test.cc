// SPDX-License-Identifier: Apache-2.0
#include "exchange/directory_lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "base/json.h"
#include "exchange/lock_directories.h"
#include "support/catch.h"
#include "support/child_process.h"
#include "support/skip.h"
#include "support/temp_dir.h"

namespace oci_oauth {

using namespace lock_test;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

TEST_CASE("locks are directories for as long as they are held") {
  const TwoLocks test;
  {
    const auto locks = acquire(test.paths);
    REQUIRE(locks);
    CHECK(std::filesystem::is_directory(test.first));
    CHECK(std::filesystem::is_directory(test.second));
    CHECK(locks->identities().at(1).path == test.second);
  }
  CHECK_FALSE(exists(test.first));
  CHECK_FALSE(exists(test.second));
}

TEST_CASE("a lock that another program holds is not taken, and none before it is kept") {
  const TwoLocks test;
  make_lock(test.second, 3s);
  const auto locks = acquire(test.paths);
  REQUIRE_FALSE(locks);
  CHECK(locks.error().kind == ErrorKind::temporary);
  CHECK(locks.error().message == test.second + ": another program holds this lock, last updated 3 s ago");
  CHECK_FALSE(exists(test.first));
  CHECK(exists(test.second));
}

TEST_CASE("a lease is a file that names its holder, for as long as it is held") {
  const TempDir directory;
  const std::vector<ProviderLock> leases = {{.path = directory / "lease.json", .kind = LockKind::lease}};
  const auto take = [&] { return DirectoryLocks::acquire(leases, steady_clock::now(), never); };
  const auto said = [&] {
    auto json = parse_json(directory.read("lease.json"), "");
    REQUIRE(json);
    return std::move(*json);
  };
  {
    auto held = take();
    REQUIRE(held);
    CHECK(json_int(said(), "pid") == ::getpid());
    CHECK(json_string(said(), "nonce") == "oci-oauth");
    const auto taken_at = json_int(said(), "at");
    CHECK(Time(Milliseconds(taken_at.value())) <= now());
    CHECK(take().error().kind == ErrorKind::temporary);
    std::this_thread::sleep_until(std::chrono::system_clock::time_point(Time(Milliseconds(*taken_at + 1))));
    REQUIRE(held->touch());
    CHECK(json_int(said(), "at") > taken_at);
  }
  CHECK(names_in(directory.path()).empty());
}

TEST_CASE("a lease of another program is respected until it is stale, and ours is not restored over it") {
  const TempDir directory;
  const std::vector<ProviderLock> leases = {
      {.path = directory / "lease.json", .stale_after = 30s, .kind = LockKind::lease}};
  const auto take = [&] { return DirectoryLocks::acquire(leases, steady_clock::now(), never); };
  directory.write("lease.json", "another's");
  CHECK(take().error().kind == ErrorKind::temporary);
  const timespec long_ago[] = {{1, 0}, {1, 0}};
  REQUIRE(::utimensat(AT_FDCWD, leases[0].path.c_str(), long_ago, 0) == 0);
  {
    auto held = take();
    REQUIRE(held);
    std::filesystem::remove(leases[0].path);
    directory.write("lease.json", "another's");
    CHECK(held->touch().error().kind == ErrorKind::temporary);
  }
  CHECK(directory.read("lease.json") == "another's");
}

TEST_CASE("a lease that a killed run of ours left behind is removed") {
  const TempDir directory;
  const auto held = DirectoryLocks::acquire({{.path = directory / "lease.json", .kind = LockKind::lease}},
                                            steady_clock::now(), never);
  REQUIRE(held);
  remove_left_behind(held->identities().at(0));
  CHECK(names_in(directory.path()).empty());
}

TEST_CASE("a stale lock is replaced") {
  const TwoLocks test;
  make_lock(test.first, GENERATE(61s, 24h, -10s, -24h));
  const auto locks = acquire(test.paths);
  REQUIRE(locks);
  CHECK(age(test.first) < 5s);
}

TEST_CASE("a lock whose time was rounded up to the next second is live") {
  const TwoLocks test;
  make_lock(test.first, -1005ms);
  CHECK_FALSE(acquire(test.paths));
  CHECK(exists(test.first));
}

TEST_CASE("a file or a link at a lock's place is replaced once it is stale, and its target stays") {
  const TwoLocks test;
  const std::string kind = GENERATE(as<std::string>(), "file", "dangling link", "link to a directory");
  std::filesystem::create_directory(test.directory / "target");
  if (kind == "file") test.directory.write("first.lock", "");
  if (kind == "dangling link") std::filesystem::create_symlink("nowhere", test.first);
  if (kind == "link to a directory") std::filesystem::create_directory_symlink("target", test.first);
  CHECK(acquire({test.first}).error().kind == ErrorKind::temporary);
  const timespec long_ago[] = {{1, 0}, {1, 0}};
  REQUIRE(::utimensat(AT_FDCWD, test.first.c_str(), long_ago, AT_SYMLINK_NOFOLLOW) == 0);
  {
    const auto locks = acquire({test.first});
    REQUIRE(locks);
    CHECK(std::filesystem::symlink_status(test.first).type() == std::filesystem::file_type::directory);
  }
  CHECK(names_in(test.directory.path()) == std::set<std::string>{"target"});
}

TEST_CASE("a stale lock with something in it stays whole, and the hint is the command that removes it") {
  const TwoLocks test;
  std::filesystem::create_directories(test.first + "/something");
  make_lock(test.first, 2min);
  const auto began = steady_clock::now();
  const auto locks = acquire(test.paths, 10s);
  REQUIRE_FALSE(locks);
  CHECK(steady_clock::now() - began < 5s);
  CHECK(locks.error().kind == ErrorKind::failed);
  CHECK(locks.error().message == test.first + ": remove the stale lock: Directory not empty");
  CHECK(locks.error().hint == "rm -r " + test.first);
  CHECK(exists(test.first + "/something"));
  CHECK(names_in(test.directory.path()) == std::set<std::string>{"first.lock"});
}

TEST_CASE("a live lock that replaced a stale one after the look is left to its holder") {
  const TwoLocks test;
  make_lock(test.first, 2min);
  const auto somebody_is_faster = [&](const DirectoryIdentity&) -> Result<void> {
    if (age(test.first) < 1min) return {};
    std::filesystem::remove(test.first);
    std::filesystem::create_directory(test.first);
    return {};
  };
  const auto locks =
      DirectoryLocks::acquire(locks_at({test.first}), steady_clock::now(), never, somebody_is_faster);
  REQUIRE_FALSE(locks);
  CHECK(locks.error().kind == ErrorKind::temporary);
  CHECK(names_in(test.directory.path()) == std::set<std::string>{"first.lock"});
}

TEST_CASE("a stale lock that its holder touches after the look is left to it") {
  const TwoLocks test;
  make_lock(test.first, 2min);
  const auto holder_touches = [&](const DirectoryIdentity&) -> Result<void> {
    make_lock(test.first);
    return {};
  };
  const auto locks =
      DirectoryLocks::acquire(locks_at({test.first}), steady_clock::now(), never, holder_touches);
  REQUIRE_FALSE(locks);
  CHECK(names_in(test.directory.path()) == std::set<std::string>{"first.lock"});
}

TEST_CASE(
    "two that ask for one lock under marks of their own do not disturb what the other makes beside it") {
  const TwoLocks test;
  std::optional<DirectoryLocks> faster;
  const auto let_the_other_in = [&](const DirectoryIdentity&) -> Result<void> {
    auto locks = DirectoryLocks::acquire(locks_at({test.first}), steady_clock::now(), never, {}, {"b", ""});
    REQUIRE(locks);
    faster.emplace(std::move(*locks));
    return {};
  };
  const auto locks = DirectoryLocks::acquire(locks_at({test.first}), steady_clock::now(), never,
                                             let_the_other_in, {"a", ""});
  REQUIRE_FALSE(locks);
  CHECK(locks.error().kind == ErrorKind::temporary);
  REQUIRE(faster);
  CHECK(faster->touch());
}

TEST_CASE("a lock has its own time after which it is stale") {
  const TwoLocks test;
  make_lock(test.first, 20s);
  const auto taken_after = [&](Milliseconds time) {
    return DirectoryLocks::acquire({{test.first, time}}, steady_clock::now(), never).has_value();
  };
  CHECK_FALSE(taken_after(25s));
  CHECK(taken_after(15s));
}

TEST_CASE("a lock that no program of the user can create is skipped, and the others are taken") {
  const TempDir directory;
  const std::string closed = directory / "closed", open = directory / "closed/open";
  std::filesystem::create_directories(open);
  std::filesystem::permissions(directory.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(closed, std::filesystem::perms(0555));
  std::filesystem::permissions(open, std::filesystem::perms(0777));
  const auto as_somebody = [&](const std::string& path) {
    const ChildProcess child([&] {
      if (::geteuid() == 0 && ::setresuid(54321, 54321, 54321) != 0) return std::string("setresuid");
      const auto locks = acquire({open + "/lock", path});
      if (!locks) return locks.error().message;
      return std::to_string(locks->identities().size()) + " taken; " + locks->passed_over().at(0);
    });
    return child.answer();
  };
  const std::string told =
      "1 taken; " + closed + "/lock: no program of this user can create this lock; continuing without it";
  CHECK(as_somebody(closed + "/lock") == told);
  std::filesystem::permissions(closed, std::filesystem::perms(0755));
  make_lock(closed + "/lock", 2min);
  std::filesystem::permissions(closed, std::filesystem::perms(0555));
  CHECK(as_somebody(closed + "/lock") == told);
  std::filesystem::permissions(closed, std::filesystem::perms(0755));
}

TEST_CASE("a lock without a birth time is not known for ours after a kill") {
  const TwoLocks test;
  make_lock(test.first);
  struct stat status;
  REQUIRE(::stat(test.first.c_str(), &status) == 0);
  remove_left_behind({.path = test.first, .device = status.st_dev, .inode = status.st_ino, .born_ns = 0});
  CHECK(exists(test.first));
}

TEST_CASE("a lock whose parent has no parent either is an error at once") {
  const TempDir directory;
  const auto locks = acquire({directory / "missing/too/lock"}, 10s);
  REQUIRE_FALSE(locks);
  CHECK(locks.error().kind != ErrorKind::temporary);
}

TEST_CASE("a waiter has the lock as soon as its holder gives it back") {
  const TwoLocks test;
  make_lock(test.second);
  std::thread holder;
  int wakes = 0;
  const auto release_while_waiting = [&] {
    if (++wakes == 2) holder = std::thread([&] { std::filesystem::remove(test.second); });
    return false;
  };
  const auto began = steady_clock::now();
  const auto locks = acquire(test.paths, 30s, release_while_waiting);
  if (holder.joinable()) holder.join();
  REQUIRE(locks);
  CHECK(steady_clock::now() - began < 10s);
}

TEST_CASE("a waiter sleeps while other directories come and go, its own first lock among them") {
  const TwoLocks test;
  make_lock(test.second);
  int wakes = 0;
  const auto make_noise = [&] {
    ++wakes;
    for (int i = 0; i < 100; ++i) {
      make_lock(test.directory / "noise");
      std::filesystem::remove(test.directory / "noise");
    }
    return false;
  };
  CHECK_FALSE(acquire(test.paths, 300ms, make_noise));
  CHECK(wakes <= 4);
}

TEST_CASE("each lock is announced before it is there, and a refused announcement takes nothing") {
  const TwoLocks test;
  std::vector<DirectoryIdentity> announced;
  const auto announce = [&](const DirectoryIdentity& lock) -> Result<void> {
    CHECK_FALSE(exists(lock.path));
    announced.push_back(lock);
    if (announced.size() == 4) return Error{ErrorKind::failed, "no room"};
    return {};
  };
  {
    const auto locks = DirectoryLocks::acquire(locks_at(test.paths), steady_clock::now(), never, announce);
    REQUIRE(locks);
    CHECK(locks->identities() == announced);
  }
  const auto refused = DirectoryLocks::acquire(locks_at(test.paths), steady_clock::now(), never, announce);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "no room");
  CHECK(std::filesystem::is_empty(test.directory.path()));
}

TEST_CASE("a waiter has the lock at the moment it turns stale") {
  const TwoLocks test;
  make_lock(test.first, ProviderLock().stale_after - 200ms);
  const auto began = steady_clock::now();
  REQUIRE(acquire(test.paths, 30s));
  CHECK(steady_clock::now() - began < 10s);
}

TEST_CASE("a waiter gives up at its deadline") {
  const TwoLocks test;
  make_lock(test.first);
  const auto began = steady_clock::now();
  CHECK_FALSE(acquire(test.paths, 100ms));
  CHECK(steady_clock::now() - began >= 100ms);
}

TEST_CASE("a waiter that is asked to stop leaves nothing behind") {
  const TwoLocks test;
  make_lock(test.second);
  const auto stop_on_second_wake = [wakes = 0]() mutable { return ++wakes == 2; };
  const auto locks = acquire(test.paths, 30s, stop_on_second_wake);
  REQUIRE_FALSE(locks);
  CHECK(locks.error().kind == ErrorKind::temporary);
  CHECK_FALSE(exists(test.first));
}

TEST_CASE("a lock that was taken from us is left to its new holder") {
  const TwoLocks test;
  {
    const auto locks = acquire(test.paths);
    REQUIRE(locks);
    std::filesystem::remove(test.first);
    make_lock(test.first);
  }
  CHECK(exists(test.first));
  CHECK_FALSE(exists(test.second));
}

TEST_CASE("a held lock is touched, and a lost one is noticed") {
  const TwoLocks test;
  auto lost = acquire({test.second}), held = acquire({test.first});
  REQUIRE((held && lost));
  make_lock(test.first, 50s);  // the same directory, with an old time
  std::filesystem::remove(test.second);

  CHECK(held->touch());
  CHECK(age(test.first) < 50s);
  const auto kept = lost->touch();
  REQUIRE_FALSE(kept);
  CHECK(kept.error().kind == ErrorKind::temporary);
  CHECK(kept.error().message == test.second + ": another program took over this lock");
}

TEST_CASE("a lock's parent that is missing is made") {
  const TempDir directory;
  const std::string path = directory / "missing/lock";
  const auto locks = DirectoryLocks::acquire(locks_at({path}), steady_clock::now(), never);
  REQUIRE(locks);
  CHECK(std::filesystem::is_directory(path));
}

TEST_CASE("a directory that was about to be a lock is removed after a kill") {
  const TwoLocks test;
  DirectoryIdentity ours;
  const auto keep = [&](const DirectoryIdentity& lock) -> Result<void> {
    ours = lock;
    return Error{ErrorKind::failed, ""};
  };
  CHECK_FALSE(DirectoryLocks::acquire(locks_at({test.first}), steady_clock::now(), never, keep));
  const std::string unnamed = test.first + ".oci-oauth";
  make_lock(unnamed);
  remove_left_behind(ours);
  CHECK(exists(unnamed));  // another one
  CHECK(acquire({test.first}));
  CHECK_FALSE(exists(unnamed));
}

TEST_CASE("what a killed run left behind is removed, and another's lock is not") {
  const TwoLocks test;
  make_lock(test.second);
  DirectoryIdentity ours;
  {
    const auto locks = acquire({test.first});
    REQUIRE(locks);
    ours = locks->identities().at(0);
    remove_left_behind(
        {.path = test.second, .device = ours.device, .inode = ours.inode, .born_ns = ours.born_ns});
    CHECK(exists(test.second));
    remove_left_behind(ours);
    CHECK_FALSE(exists(test.first));
  }
  make_lock(test.first);
  remove_left_behind(ours);
  CHECK(exists(test.first));
}

}  // namespace oci_oauth
