// SPDX-License-Identifier: Apache-2.0
#include "exchange/directory_lock.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "support/catch.h"
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

void make_lock(const std::string& path, Milliseconds old = 0ms) {
  std::filesystem::create_directory(path);
  const auto touched = (now() - old).time_since_epoch().count();
  const timespec time = {touched / 1000, touched % 1000 * 1'000'000};
  const timespec times[] = {time, time};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

Result<DirectoryLocks> acquire(const std::vector<std::string>& paths, Milliseconds patience = 0ms,
                               const std::function<bool()>& stop = never) {
  return DirectoryLocks::acquire(paths, steady_clock::now() + patience, stop);
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
  CHECK(locks.error().message == test.second + ": another program holds this lock, last touched 3 s ago");
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

TEST_CASE("a stale lock that cannot be removed is an error with a hint") {
  const TwoLocks test;
  std::filesystem::create_directories(test.first + "/something");
  make_lock(test.first, 2min);
  const auto locks = acquire(test.paths, 10s);
  REQUIRE_FALSE(locks);
  CHECK(locks.error().kind == ErrorKind::failed);
  CHECK_THAT(locks.error().message, Catch::StartsWith(test.first + ": remove the stale lock: "));
  CHECK_FALSE(locks.error().hint.empty());
}

TEST_CASE("a lock in a directory that is missing is an error at once") {
  const TempDir directory;
  const auto locks = acquire({directory / "missing/lock"}, 10s);
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
    if (announced.size() == 4) return Error{ErrorKind::failed, "no room", ""};
    return {};
  };
  {
    const auto locks = DirectoryLocks::acquire(test.paths, steady_clock::now(), never, announce);
    REQUIRE(locks);
    CHECK(locks->identities() == announced);
  }
  const auto refused = DirectoryLocks::acquire(test.paths, steady_clock::now(), never, announce);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "no room");
  CHECK(std::filesystem::is_empty(test.directory.path()));
}

TEST_CASE("a lock whose name is something else's is an error that names it") {
  const TwoLocks test;
  std::filesystem::create_directory_symlink("/tmp", test.first);
  const timespec long_ago[] = {{1, 0}, {1, 0}};
  REQUIRE(::utimensat(AT_FDCWD, test.first.c_str(), long_ago, AT_SYMLINK_NOFOLLOW) == 0);
  const auto locks = acquire(test.paths);
  REQUIRE_FALSE(locks);
  CHECK_THAT(locks.error().message, Catch::StartsWith(test.first + ": remove the stale lock: "));
  CHECK(std::filesystem::is_symlink(test.first));
}

TEST_CASE("a waiter has the lock at the moment it turns stale") {
  const TwoLocks test;
  make_lock(test.first, DirectoryLocks::stale_after - 200ms);
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

TEST_CASE("a waiter that is asked to stop leaves nothing") {
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

TEST_CASE("a held lock is touched in time, and a lost one is noticed") {
  const TwoLocks test;
  auto lost = acquire({test.second}), held = acquire({test.first});
  REQUIRE((held && lost));
  make_lock(test.first, 50s);  // the same directory, with an old time
  std::filesystem::remove(test.second);

  CHECK(held->keep_alive(steady_clock::now()));  // too early to touch it again
  CHECK(age(test.first) >= 50s);
  const auto in_time = steady_clock::now() + DirectoryLocks::touch_every;
  CHECK(held->keep_alive(in_time));
  CHECK(age(test.first) < 50s);
  const auto kept = lost->keep_alive(in_time);
  REQUIRE_FALSE(kept);
  CHECK(kept.error().kind == ErrorKind::temporary);
  CHECK(kept.error().message == test.second + ": another program took this lock over");
}

TEST_CASE("a directory that was about to be a lock is removed after a kill") {
  const TwoLocks test;
  DirectoryIdentity ours;
  const auto keep = [&](const DirectoryIdentity& lock) -> Result<void> {
    ours = lock;
    return Error{ErrorKind::failed, "", ""};
  };
  CHECK_FALSE(DirectoryLocks::acquire({test.first}, steady_clock::now(), never, keep));
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
