// SPDX-License-Identifier: Apache-2.0
#include "exchange/login_locks.h"

#include <unistd.h>

#include <filesystem>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

constexpr Time taken_at = std::chrono::sys_days(std::chrono::year(2026) / 11 / 25) + 12h;

ProviderLock lock_file_at(const std::string& path, LockContent content = LockContent::nothing) {
  ProviderLock lock;
  lock.path = path;
  lock.kind = LockKind::file;
  lock.content = content;
  return lock;
}

}  // namespace

TEST_CASE("a lock file is held against others, and stays when it is given back") {
  const TempDir directory;
  const std::string path = directory / "lock";
  {
    const auto held = LockFiles::acquire({lock_file_at(path)}, steady_clock::now(), taken_at);
    REQUIRE(held);
    const auto other = LockFiles::acquire({lock_file_at(path)}, steady_clock::now(), taken_at);
    REQUIRE_FALSE(other);
    CHECK(other.error().kind == ErrorKind::temporary);
    CHECK(other.error().message == path + ": another program holds this lock");
  }
  CHECK(std::filesystem::exists(path));
  CHECK(LockFiles::acquire({lock_file_at(path)}, steady_clock::now(), taken_at));
}

TEST_CASE("a lock file that says who holds it says so again when it is touched") {
  const TempDir directory;
  const std::string path = directory.write("lock", "4194304:1700000000 of a program that is gone");
  auto held = LockFiles::acquire({lock_file_at(path, LockContent::holder)}, steady_clock::now(), taken_at);
  REQUIRE(held);
  CHECK(directory.read("lock") == std::to_string(::getpid()) + ":1795608000");
  REQUIRE(held->touch(taken_at + 5s));
  CHECK(directory.read("lock") == std::to_string(::getpid()) + ":1795608005");
}

TEST_CASE("a lock file that another program replaced is noticed") {
  const TempDir directory;
  const std::string path = directory / "lock";
  auto held = LockFiles::acquire({lock_file_at(path)}, steady_clock::now(), taken_at);
  REQUIRE(held);
  std::filesystem::remove(path);
  directory.write("lock", "");
  const auto touched = held->touch(taken_at);
  REQUIRE_FALSE(touched);
  CHECK(touched.error().message == path + ": another program took over this lock");
}

TEST_CASE("of several lock files all are taken or none") {
  const TempDir directory;
  const auto second = LockFiles::acquire({lock_file_at(directory / "b")}, steady_clock::now(), taken_at);
  REQUIRE(second);
  const std::vector<ProviderLock> both = {lock_file_at(directory / "a"), lock_file_at(directory / "b")};
  CHECK_FALSE(LockFiles::acquire(both, steady_clock::now(), taken_at));
  CHECK(LockFiles::acquire({lock_file_at(directory / "a")}, steady_clock::now(), taken_at));
}
