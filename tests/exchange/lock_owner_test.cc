// SPDX-License-Identifier: Apache-2.0
#include "exchange/directory_lock.h"

#include <unistd.h>

#include <fstream>

#include "base/json.h"
#include "exchange/lock_directories.h"
#include "support/catch.h"
#include "support/child_process.h"
#include "support/skip.h"

namespace oci_oauth {

using namespace lock_test;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

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

}  // namespace oci_oauth
