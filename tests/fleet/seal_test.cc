// SPDX-License-Identifier: Apache-2.0
#include "fleet/seal.h"

#include <algorithm>

#include "base/fingerprint.h"
#include "fleet/store.h"
#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

// Of a refresher.
FleetKeys some_keys() {
  FleetKeys keys;
  keys.login.push_back(random_key());
  keys.access.push_back(random_key());
  keys.signing.push_back(random_key());
  keys.signers.push_back(public_half(keys.signing.front()).take());
  return keys;
}

FleetKeys follower_keys(const FleetKeys& keys) {
  FleetKeys some;
  for (const Secret& key : keys.access) some.access.push_back(key.copy());
  for (const Secret& key : keys.signers) some.signers.push_back(key.copy());
  return some;
}

LoginRecord some_login() {
  LoginRecord login;
  login.profile = "claude";
  login.epoch = "e1";
  login.generation = 42;
  login.nonce = "n1";
  login.refresh_token_hash = fingerprint(std::string_view("rt"));
  login.expires_at = Time(8h);
  login.intent = Intent{"n1", "host-7", Time(1h), 1};
  login.rest = FleetRest{Time(2h), FailureKind::throttled, 2, "429"};
  login.document = Secret(std::string_view(R"({"refreshToken": "rt", "unknown": [1]})"));
  return login;
}

AccessRecord an_access() {
  AccessRecord access;
  access.profile = "claude";
  access.epoch = "e1";
  access.generation = 42;
  access.expires_at = Time(8h);
  access.payload = Secret(std::string_view("the files"));
  return access;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

}  // namespace

TEST_CASE("a login is opened as it was sealed, and nothing secret is readable in the record") {
  const FleetKeys keys = some_keys();
  const LoginRecord login = some_login();
  const auto sealed = seal(login.copy(), keys);
  REQUIRE(sealed);
  CHECK(sealed->find("refreshToken") == std::string::npos);
  auto opened = open_login(*sealed, "claude", keys);
  REQUIRE(opened);
  CHECK(opened->document == login.document);
  CHECK(opened->seal.kid == key_id(keys.login.front()));
  opened->seal = {};
  CHECK(*opened == login);
}

TEST_CASE("two seals of one login share no key") {
  const FleetKeys keys = some_keys();
  const auto one = open_login(*seal(some_login(), keys), "claude", keys),
             two = open_login(*seal(some_login(), keys), "claude", keys);
  CHECK(one->seal.salt != two->seal.salt);
  CHECK(one->seal.data != two->seal.data);
}

TEST_CASE("a follower opens the access token and not the login") {
  const FleetKeys keys = some_keys(), follower = follower_keys(keys);
  const auto login = open_login(*seal(some_login(), keys), "claude", follower);
  REQUIRE_FALSE(login);
  CHECK(login.error().message.find("which is not here") != std::string::npos);
  const auto access = open_access(*seal(an_access(), keys), "claude", follower);
  REQUIRE(access);
  CHECK(access->payload == an_access().payload);
  CHECK_FALSE(seal(an_access(), follower));
}

TEST_CASE("a follower cannot sign an access token that another host takes") {
  const FleetKeys keys = some_keys();
  FleetKeys forger = follower_keys(keys);
  forger.signing.push_back(random_key());
  const auto forged = seal(an_access(), forger);
  REQUIRE(forged);
  const auto opened = open_access(*forged, "claude", follower_keys(keys));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message ==
        access_key("claude") + ": is not signed by a refresher that this host knows");
}

TEST_CASE("any changed member of a record breaks it") {
  const FleetKeys keys = some_keys();
  const std::string login = *seal(some_login(), keys), access = *seal(an_access(), keys);
  CHECK_FALSE(open_login(replaced(login, "\"generation\":42", "\"generation\":43"), "claude", keys));
  CHECK_FALSE(open_login(replaced(login, "host-7", "host-8"), "claude", keys));
  CHECK_FALSE(open_login(replaced(login, "\"live\"", "\"dead\""), "claude", keys));
  CHECK_FALSE(open_access(replaced(access, "\"generation\":42", "\"generation\":43"), "claude", keys));
  CHECK_FALSE(open_access(replaced(access, "\"e1\"", "\"e2\""), "claude", keys));
}

TEST_CASE("another profile's record is refused by its name, and under another name by its seal") {
  const FleetKeys keys = some_keys();
  const std::string login = *seal(some_login(), keys), access = *seal(an_access(), keys);
  CHECK(open_login(login, "work", keys).error().message == login_key("work") + ": is a record of 'claude'");
  CHECK_FALSE(open_login(replaced(login, "\"claude\"", "\"work\""), "work", keys));
  CHECK_FALSE(open_access(replaced(access, "\"claude\"", "\"work\""), "work", keys));
}

TEST_CASE("a login's seal does not open as an access token's, even under the same key") {
  FleetKeys keys = some_keys();
  keys.access.front() = keys.login.front().copy();
  const auto login = open_login(*seal(some_login(), keys), "claude", keys);
  AccessRecord access = an_access();
  access.seal = login->seal;
  CHECK_FALSE(open_access(std::string(write_record(access).reveal()), "claude", keys));
}

TEST_CASE("old keys still open, and the newest seals") {
  FleetKeys keys = some_keys();
  const std::string before = *seal(some_login(), keys), signed_before = *seal(an_access(), keys);
  keys.login.insert(keys.login.begin(), random_key());
  keys.access.insert(keys.access.begin(), random_key());
  keys.signing.insert(keys.signing.begin(), random_key());
  keys.signers.insert(keys.signers.begin(), public_half(keys.signing.front()).take());
  CHECK(open_login(before, "claude", keys));
  CHECK(open_access(signed_before, "claude", keys));
  const std::string after = *seal(some_login(), keys);
  keys.login.pop_back();
  CHECK(open_login(after, "claude", keys));
  CHECK_FALSE(open_login(before, "claude", keys));
}

TEST_CASE("what is not a record is refused with its key in the store") {
  const FleetKeys keys = some_keys();
  const std::string sealed = *seal(some_login(), keys);
  for (const std::string& bytes :
       {std::string(), std::string("garbage"), std::string("{}"), std::string("[1]"),
        std::string("\0\xff\xfe", 3), std::string(longest_record + 1, 'x'),
        replaced(sealed, "\"version\":1", "\"version\":2"), sealed.substr(0, sealed.size() / 2),
        replaced(sealed, "\"salt\":\"", "\"salt\":\"!"), replaced(sealed, "\"kid\":\"", "\"kid\":\"0")}) {
    const auto opened = open_login(bytes, "claude", keys);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().message.starts_with(login_key("claude") + ":"));
    CHECK_FALSE(open_access(bytes, "claude", keys));
  }
}

TEST_CASE("a key's file is lines of base64, with comments") {
  const Secret a = random_key(), b = random_key();
  const std::string text = "# newest first\n" + key_line(a) + "\n" + key_line(b);
  const auto keys = read_keys(text, "login.key");
  REQUIRE(keys);
  REQUIRE(keys->size() == 2);
  CHECK((*keys)[0] == a);
  CHECK((*keys)[1] == b);
  CHECK(read_keys("# nothing\n", "login.key").error().message == "login.key: contains no key");
  CHECK(read_keys(key_line(a) + "AAAA\n", "login.key").error().message ==
        "login.key: line 2: is not 32 bytes in base64");
}
