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
#include "exchange/lock_owner.h"
#include "support/catch.h"
#include "support/child_process.h"
#include "support/skip.h"
#include "support/temp_dir.h"

namespace oci_oauth {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

const auto never = [] { return false; };

bool exists(const std::string& path) {
  return std::filesystem::exists(path);
}

Milliseconds age(const std::string& path) {
  struct stat status;
  REQUIRE(::stat(path.c_str(), &status) == 0);
  const auto touched =
      std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  return std::chrono::duration_cast<Milliseconds>(now().time_since_epoch() - touched);
}

std::set<std::string> names_in(const std::string& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.insert(entry.path().filename());
  return names;
}

void make_lock(const std::string& path, Milliseconds old = 0ms) {
  std::filesystem::create_directory(path);
  const auto touched = (now() - old).time_since_epoch().count();
  const timespec time = {touched / 1000, touched % 1000 * 1'000'000};
  const timespec times[] = {time, time};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

std::vector<ProviderLock> locks_at(const std::vector<std::string>& paths) {
  std::vector<ProviderLock> locks;
  for (const std::string& path : paths) locks.push_back({path});
  return locks;
}

Result<DirectoryLocks> acquire(const std::vector<std::string>& paths, Milliseconds patience = 0ms,
                               const std::function<bool()>& stop = never) {
  return DirectoryLocks::acquire(locks_at(paths), steady_clock::now() + patience, stop);
}

struct TwoLocks {
  TempDir directory;
  std::string first = directory / "first.lock", second = directory / "second.lock";
  std::vector<std::string> paths{first, second};
};

}  // namespace

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
  CHECK(locks.error().hint == "rm -r '" + test.first + "'");
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

TEST_CASE("the holder of the locks is recorded beside them as long as they are held") {
  const TwoLocks test;
  const LockManner manner = {"", test.directory / "first.lock.owner"};
  {
    const auto locks = DirectoryLocks::acquire(locks_at(test.paths), steady_clock::now(), never, {}, manner);
    REQUIRE(locks);
    if (locks->identities()[0].born_ns == 0) return skip("no birth times in " + test.directory.path());
    const std::string record = test.directory.read("first.lock.owner");
    CHECK(names_lock(record, locks->identities()[0].born_ns));
    CHECK_FALSE(names_lock(record, locks->identities()[1].born_ns + 1'000'000));
    const auto json = parse_json(record, "record");
    REQUIRE(json);
    CHECK(json_int(*json, "pid") == ::getpid());
    const std::string space = std::filesystem::read_symlink("/proc/self/ns/pid");
    CHECK(std::string(json_string(*json, "pidSpace").value_or("")).ends_with("#" + space));
    CHECK(std::string(json_string(*json, "pidDomain").value_or("")).ends_with(":" + space));
    std::ifstream status("/proc/self/stat");
    std::string words;
    std::getline(status, words);
    CHECK(words.find(" " + std::string(json_string(*json, "procStart").value_or("?")) + " ") !=
          std::string::npos);
  }
  CHECK(std::filesystem::is_empty(test.directory.path()));
}

TEST_CASE("a record that another holder wrote meanwhile is its own") {
  const TwoLocks test;
  const LockManner manner = {"", test.directory / "first.lock.owner"};
  {
    const auto locks = DirectoryLocks::acquire(locks_at(test.paths), steady_clock::now(), never, {}, manner);
    REQUIRE(locks);
    test.directory.write("first.lock.owner", "{}");
  }
  CHECK(test.directory.read("first.lock.owner") == "{}");
}

TEST_CASE("a killed run's record goes with its lock, half of one too, and another's stays") {
  const TwoLocks test;
  const LockManner manner = {"", test.directory / "first.lock.owner"};
  DirectoryIdentity lock;
  std::string record;
  {
    const auto locks = DirectoryLocks::acquire(locks_at(test.paths), steady_clock::now(), never, {}, manner);
    REQUIRE(locks);
    lock = locks->identities()[0];
    if (lock.born_ns == 0) return skip("no birth times in " + test.directory.path());
    record = test.directory.read("first.lock.owner");
    test.directory.write("first.lock.owner", record.substr(0, 10));
    remove_left_behind(lock, manner);
    CHECK_FALSE(exists(test.first));
    CHECK_FALSE(exists(manner.owner_record));
  }
  test.directory.write("first.lock.owner", record);
  remove_left_behind(lock, manner);
  CHECK_FALSE(exists(manner.owner_record));
  test.directory.write("first.lock.owner", R"({"pid":1,"lockBirthtimeMs":1.5})");
  remove_left_behind(lock, manner);
  CHECK(exists(manner.owner_record));
}

TEST_CASE("locks of a killed holder are taken over at once, those of a living one are not") {
  const TwoLocks test;
  const LockManner manner = {"", test.directory / "first.lock.owner"};
  const auto take = [&] {
    return DirectoryLocks::acquire(locks_at(test.paths), steady_clock::now(), never, {}, manner);
  };
  const Gate gate;
  {
    const ChildProcess holder([&]() -> std::string {
      const auto locks = take();
      if (!locks) return locks.error().message;
      gate.open();
      ::pause();
      return "";
    });
    REQUIRE(gate.wait());
    const auto refused = take();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::temporary);
  }
  if (!exists(manner.owner_record)) return skip("no birth times in " + test.directory.path());
  REQUIRE(exists(test.first));
  CHECK(take().has_value());
}

TEST_CASE("a record of another host, or of another lock, takes nothing from its holder") {
  const TwoLocks test;
  const LockManner manner = {"", test.directory / "first.lock.owner"};
  make_lock(test.first);
  const auto identity = [&] {
    struct statx found = {};
    REQUIRE(::statx(AT_FDCWD, test.first.c_str(), 0, STATX_BTIME, &found) == 0);
    return found.stx_btime.tv_sec * std::int64_t{1'000'000'000} + found.stx_btime.tv_nsec;
  }();
  const std::string record = lock_owner_record(identity, std::nullopt);
  CHECK_FALSE(is_abandoned(record, identity));  // this process holds it
  const auto replaced = [&](const std::string& key, const std::string& value) {
    auto json = parse_json(record, "record");
    REQUIRE(json);
    json_set(*json, key, value);
    return std::string(write_json(*json).reveal());
  };
  CHECK(is_abandoned(replaced("procStart", "1"), identity));
  CHECK_FALSE(is_abandoned(replaced("procStart", "1"), identity + 5'000'000));
  CHECK_FALSE(is_abandoned(replaced("procStart", ""), identity));
  CHECK_FALSE(is_abandoned(replaced("pidDomain", "linux:elsewhere"), identity));
  CHECK_FALSE(is_abandoned(replaced("pidSpace", "elsewhere"), identity));
  CHECK_FALSE(is_abandoned("{", identity));
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
