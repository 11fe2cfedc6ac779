// SPDX-License-Identifier: Apache-2.0
// What every engine of a fleet's store keeps, in one table of tests, so that they cannot differ. Each
// engine's tests include it once and define what stands below, beside that engine.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "fleet/record.h"
#include "fleet/store.h"
#include "support/catch.h"

namespace oci_oauth::test {

// For the profiles "a" and "b".
std::unique_ptr<RecordStore> open_store();
void remove_record(const std::string& key);  // which may not be there
// Of the profile "a", after which the engine does not have all changes any more.
Listing forgotten_listing();
extern const std::string_view engine;

inline SteadyTime in(Milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

inline void remove_all() {
  for (const char* const profile : {"a", "b"}) {
    remove_record(login_key(profile));
    remove_record(access_key(profile));
  }
}

const std::optional<Stored> none;

}  // namespace oci_oauth::test

using namespace oci_oauth;
using namespace oci_oauth::test;
using namespace std::chrono_literals;

TEST_CASE("a record is written where there is none, and over exactly what was read", "[contract]") {
  remove_all();
  const auto store = open_store();
  const std::string key = login_key("a");
  REQUIRE(*store->read(key) == none);
  CHECK(*store->write(key, "over nothing", Stored{"something", "1-x"}) == Written::no);
  CHECK(*store->write(key, "one", none) == Written::yes);
  CHECK(*store->write(key, "again", none) == Written::no);
  const auto one = *store->read(key);
  REQUIRE(one);
  CHECK(one->bytes == "one");
  CHECK(*store->write(key, "two", one) == Written::yes);
  CHECK(*store->write(key, "three", one) == Written::no);
  CHECK((*store->read(key))->bytes == "two");
  CHECK((*store->read(key))->version != one->version);
}

TEST_CASE("bytes are compared: with the right version alone nothing is written", "[contract]") {
  remove_all();
  const auto store = open_store();
  REQUIRE(*store->write(login_key("a"), "one", none) == Written::yes);
  auto restored = *store->read(login_key("a"));
  restored->bytes = "as many";
  CHECK(*store->write(login_key("a"), "two", restored) == Written::no);
  CHECK((*store->read(login_key("a")))->bytes == "one");
}

TEST_CASE("of writers at the same time, one succeeds", "[contract]") {
  remove_all();
  const auto first = open_store();
  REQUIRE(*first->write(login_key("a"), "one", none) == Written::yes);
  const auto one = *first->read(login_key("a"));
  std::array<Written, 6> done = {};
  {
    std::array<std::jthread, 6> writers;
    for (size_t i = 0; i < writers.size(); ++i) {
      writers[i] = std::jthread(
          [&, i] { done[i] = *open_store()->write(login_key("a"), "of " + std::to_string(i), one); });
    }
  }
  CHECK(std::count(done.begin(), done.end(), Written::yes) == 1);
  CHECK(std::count(done.begin(), done.end(), Written::no) == 5);
}

TEST_CASE("every byte comes back, of as many as a record may have", "[contract]") {
  const auto store = open_store();
  for (const size_t size : {size_t{0}, size_t{1}, size_t{257}, longest_record}) {
    remove_all();
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i);
    REQUIRE(*store->write(access_key("a"), bytes, none) == Written::yes);
    CHECK((*store->read(access_key("a")))->bytes == bytes);
  }
  remove_all();
}

TEST_CASE("what is too large for the engine is certainly not written", "[contract]") {
  remove_all();
  const auto written = open_store()->write(access_key("a"), std::string(3'000'000, 'x'), none);
  REQUIRE_FALSE(written);
  CHECK(written.error().message.starts_with(std::string(engine) + ": "));
  CHECK(written.error().message.find('\n') == std::string::npos);
  CHECK(*open_store()->read(access_key("a")) == none);
}

TEST_CASE("a listing has what begins with the prefix, and nothing else", "[contract]") {
  remove_all();
  const auto store = open_store();
  CHECK(store->list(access_prefix)->entries.empty());
  for (const char* const profile : {"a", "b"}) {
    REQUIRE(*store->write(access_key(profile), profile, none) == Written::yes);
    REQUIRE(*store->write(login_key(profile), "secret", none) == Written::yes);
  }
  const auto listing = store->list(access_prefix);
  REQUIRE(listing);
  REQUIRE(listing->entries.size() == 2);
  CHECK(listing->entries[0].key == access_key("a"));
  CHECK(listing->entries[1].stored->bytes == "b");
}

TEST_CASE("waiting ends at once with another record, else with the next change, or with nothing",
          "[contract]") {
  remove_all();
  const auto store = open_store();
  const std::string key = login_key("a");
  CHECK(*store->wait(key, "", in(300ms)) == none);
  REQUIRE(*store->write(key, "one", none) == Written::yes);
  const auto one = *store->wait(key, "", in(10s));
  REQUIRE(one);
  CHECK(*store->wait(key, one->version, in(300ms)) == none);
  std::jthread other([&] { (void)open_store()->write(key, "two", one); });
  const auto two = *store->wait(key, one->version, in(10s));
  REQUIRE(two);
  CHECK(two->bytes == "two");
  std::jthread remover([&] { remove_record(key); });
  CHECK(*store->wait(key, two->version, in(10s)) == none);
}

TEST_CASE("a follower sees the changes of all keys of a prefix from the listing on, each key's in order",
          "[contract]") {
  remove_all();
  const auto store = open_store();
  const auto listing = store->list(access_prefix);
  REQUIRE(listing);
  REQUIRE(*store->write(access_key("b"), "1", none) == Written::yes);  // before the stream begins
  REQUIRE(*store->write(login_key("b"), "other", none) == Written::yes);
  std::jthread other([] {
    (void)open_store()->write(access_key("a"), "2", none);
    remove_record(access_key("b"));
  });
  std::map<std::string, std::string> seen;
  const auto done = store->follow(access_prefix, *listing, in(10s), [&](const KeyChange& change) {
    seen[change.key] += (change.stored ? "=" + change.stored->bytes : " removed") + ";";
    return seen.size() < 2 || !seen[access_key("b")].ends_with("removed;");
  });
  CHECK(done);
  CHECK(seen[access_key("a")] == "=2;");
  CHECK(seen[access_key("b")] == "=1; removed;");
  CHECK(seen.size() == 2);
}

TEST_CASE("a stream ends at its deadline", "[contract]") {
  const auto store = open_store();
  const auto listing = store->list(access_prefix);
  const auto began = std::chrono::steady_clock::now();
  CHECK(store->follow(access_prefix, *listing, in(400ms), [](const KeyChange&) { return true; }));
  const auto took = std::chrono::steady_clock::now() - began;
  CHECK(took >= 400ms);
  CHECK(took < 2s);
}

TEST_CASE("changes that the engine does not have any more must be read again", "[contract]") {
  remove_all();
  const auto before = forgotten_listing();
  const auto done =
      open_store()->follow(access_prefix, before, in(10s), [](const KeyChange&) { return true; });
  REQUIRE_FALSE(done);
  CHECK(done.error().kind == ErrorKind::temporary);
  CHECK(done.error().message.find("the changes since the last listing") != std::string::npos);
}

TEST_CASE("a store says which version it is, and its time", "[contract]") {
  const auto sight = open_store()->examine();
  REQUIRE(sight);
  CHECK(sight->engine == engine);
  CHECK(sight->version.find('.') != std::string::npos);
  REQUIRE(sight->time);
  CHECK(std::chrono::abs(*sight->time - now()) < 10s);
}
