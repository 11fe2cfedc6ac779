// SPDX-License-Identifier: Apache-2.0
#include "follower/follower.h"

#include <sys/mount.h>

#include "base/fingerprint.h"
#include "base/fmt.h"
#include "support/catch.h"
#include "support/providers.h"
#include "support/record_equal.h"
#include "support/temp_dir.h"
#include "worker/exchange_report.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

constexpr Time start = Time(1'800'000'000'000ms);

FleetKeys new_keys() {
  FleetKeys keys;
  keys.access.push_back(random_key());
  keys.signing.push_back(random_key());
  keys.signers.push_back(*public_half(keys.signing.front()));
  return keys;
}

FleetKeys copy_of(const FleetKeys& keys) {
  FleetKeys same;
  for (const Secret& key : keys.access) same.access.push_back(key.copy());
  for (const Secret& key : keys.signing) same.signing.push_back(key.copy());
  for (const Secret& key : keys.signers) same.signers.push_back(key.copy());
  return same;
}

std::string record_of(const FleetKeys& keys, std::uint64_t generation, std::uint64_t ordinal = 1,
                      const std::string& epoch = "0123456789abcdef0123456789abcdef",
                      const std::string& profile = "claude", const std::string& more = "") {
  const std::string token = ::fmt::format("token {}.{}", ordinal, generation);
  ExchangeReport report;
  report.login.emplace();
  report.login->access_token_hash = token;
  report.login->expires_at = start + 8h + std::chrono::minutes(generation);
  report.login->files.push_back({"token", Secret(std::string_view(token))});
  if (!more.empty()) report.login->files.push_back({more, Secret(std::string_view("planted"))});
  AccessRecord access;
  access.profile = profile;
  access.epoch = epoch;
  access.ordinal = ordinal;
  access.generation = generation;
  access.obtained_at = start;
  access.expires_at = start + 8h;
  access.payload = write_record(report);
  return *seal(std::move(access), keys);
}

// A host that follows.
struct FollowerScene {
  TempDir home;
  FleetKeys keys = new_keys();
  Config config;
  Log log = Log::to_stderr("test");
  std::optional<RuntimeDir> runtime;
  std::optional<Refresher> refresher;
  std::optional<Follower> follower;

  FollowerScene() {
    config.fleet.emplace();
    Profile& profile = config.profiles.emplace_back();
    profile.name = profile.provider = "claude";
    profile.in_fleet = true;
    boot();
  }
  // /run is empty, and the program starts.
  void boot() {
    follower.reset();
    (void)::umount2((home / "run/share").c_str(), MNT_DETACH);  // root's is a file system of its own
    std::filesystem::remove_all(home / "run");
    runtime.emplace(*RuntimeDir::open(home / "run"));
    start_program();
  }
  void start_program() {
    refresher.emplace(Refresher{*runtime,
                                {test::providers_of(SOURCE_DIR)},
                                {},
                                nullptr,
                                nullptr,
                                [] { return start; },
                                [] { return 0.5; }});
    auto opened = Follower::open(config, *refresher, copy_of(keys), home / "kept", log);
    REQUIRE(opened);
    follower.emplace(std::move(*opened));
    follower->publish_kept();
  }
  void take(const std::string& bytes, const std::string& key = "/oci-oauth/1-access/claude") {
    follower->take(KeyChange{key, Stored{bytes, fingerprint(bytes)}});
  }
  std::string token() const { return home.read("run/share/claude/token"); }
};

}  // namespace

TEST_CASE("a record is published as a refresh publishes, and needs no refresh before it expires") {
  FollowerScene host;
  host.take(record_of(host.keys, 1));
  CHECK(host.token() == "token 1.1");
  const auto published = host.runtime->published("claude");
  REQUIRE((published && *published));
  CHECK((*published)->expires_at == start + 8h + 1min);
  CHECK((*published)->due_at == start + 8h + 1min);
  host.take(record_of(host.keys, 2));
  CHECK(host.token() == "token 1.2");
}

TEST_CASE("a record that is older than what this host has is not published, also after a restart") {
  FollowerScene host;
  host.take(record_of(host.keys, 5));
  host.take(record_of(host.keys, 4));
  CHECK(host.token() == "token 1.5");
  host.start_program();
  host.take(record_of(host.keys, 4));
  CHECK(host.token() == "token 1.5");
  host.take(record_of(host.keys, 9, 2, "fedcba9876543210fedcba9876543210"));
  CHECK(host.token() == "token 2.9");
  host.take(record_of(host.keys, 10));  // of the login before
  CHECK(host.token() == "token 2.9");
}

TEST_CASE("a program that ended before it kept what it had published does not turn back at its next start") {
  FollowerScene host;
  host.take(record_of(host.keys, 5));
  const std::string kept = host.home.read("kept/claude");
  host.take(record_of(host.keys, 6));
  host.home.write("kept/claude", kept);
  host.start_program();
  CHECK(host.token() == "token 1.6");
  host.take(record_of(host.keys, 7));
  CHECK(host.token() == "token 1.7");
}

TEST_CASE("a record that cannot be kept is published") {
  FollowerScene host;
  host.take(record_of(host.keys, 1));
  std::filesystem::remove(host.home / "kept/claude");
  std::filesystem::create_directories(host.home / "kept/claude/in the way");
  const std::string second = record_of(host.keys, 2);
  host.take(second);
  CHECK(host.token() == "token 1.2");
  std::filesystem::remove_all(host.home / "kept/claude");
  host.take(second);
  CHECK(host.home.read("kept/claude") == second);
}

TEST_CASE("a record that cannot be published is published when it is read again") {
  FollowerScene host;
  host.take(record_of(host.keys, 1));
  std::filesystem::remove(host.home / "run/share/claude/token");
  std::filesystem::create_directories(host.home / "run/share/claude/token/in the way");
  const std::string second = record_of(host.keys, 2);
  host.take(second);
  std::filesystem::remove_all(host.home / "run/share/claude/token");
  host.take(second);
  CHECK(host.token() == "token 1.2");
}

TEST_CASE("a refresher has no say over other files of a follower") {
  FollowerScene host;
  for (const std::string name : {"planted", "../planted"}) {
    host.take(record_of(host.keys, name.size(), 1, "0123456789abcdef0123456789abcdef", "claude", name));
    CHECK(host.token() == "token 1." + std::to_string(name.size()));
    CHECK_FALSE(std::filesystem::exists(host.home / ("run/share/claude/" + name)));
    // Also by a record that was kept.
    host.boot();
    CHECK_FALSE(std::filesystem::exists(host.home / ("run/share/claude/" + name)));
  }
}

TEST_CASE("two logins of the same rank are not mixed") {
  FollowerScene host;
  host.take(record_of(host.keys, 5));
  host.take(record_of(host.keys, 6, 1, "fedcba9876543210fedcba9876543210"));
  CHECK(host.token() == "token 1.5");
}

TEST_CASE("after a reboot the last token is there without the store") {
  FollowerScene host;
  host.take(record_of(host.keys, 3));
  host.boot();
  CHECK(host.token() == "token 1.3");
  host.take(record_of(host.keys, 4));
  CHECK(host.token() == "token 1.4");
}

TEST_CASE("nothing is taken that no refresher signed for this very profile") {
  FollowerScene host;
  host.take(record_of(host.keys, 1));
  FleetKeys forger = copy_of(host.keys);
  forger.signing.clear();
  forger.signing.push_back(random_key());
  FleetKeys stranger = new_keys();
  std::string changed = record_of(host.keys, 2);
  changed[changed.find("\"generation\":2") + 13] = '3';
  for (const std::string& bytes :
       {record_of(forger, 2), record_of(stranger, 2), changed,
        record_of(host.keys, 2, 1, "0123456789abcdef0123456789abcdef", "other"), std::string(),
        std::string("garbage"), std::string(1'000'000, 'x'), std::string("{\"version\":2}")}) {
    host.take(bytes);
    CHECK(host.token() == "token 1.1");
  }
  host.boot();
  CHECK(host.token() == "token 1.1");
}

TEST_CASE("a removed record, and one of a profile that is not here, change nothing") {
  FollowerScene host;
  host.take(record_of(host.keys, 1));
  host.follower->take(KeyChange{"/oci-oauth/1-access/claude", std::nullopt});
  host.take(record_of(host.keys, 2, 1, "0123456789abcdef0123456789abcdef", "other"),
            "/oci-oauth/1-access/other");
  host.take(record_of(host.keys, 2), "/oci-oauth/1-access/../claude");
  host.take(record_of(host.keys, 2), "/elsewhere/claude");
  CHECK(host.token() == "token 1.1");
  CHECK_FALSE(std::filesystem::exists(host.home / "run/share/other"));
}

TEST_CASE("what was kept is damaged: the store's record is taken") {
  FollowerScene host;
  host.take(record_of(host.keys, 1));
  host.home.write("kept/claude", "damaged");
  host.boot();
  CHECK(host.token().empty());
  host.take(record_of(host.keys, 1));
  CHECK(host.token() == "token 1.1");
}

TEST_CASE("what is kept is sealed, and nobody else may read it") {
  FollowerScene host;
  host.take(record_of(host.keys, 1));
  CHECK(host.home.read("kept/claude").find("token 1.1") == std::string::npos);
  struct stat status;
  REQUIRE(::stat((host.home / "kept/claude").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("status is told when the connection came and went, and what was refused") {
  FollowerScene host;
  const auto told = [&] { return host.runtime->follower()->value(); };
  CHECK(host.follower->take(StoreAnswered()));
  CHECK(told().is_following());
  CHECK(told().since == start);
  for (int i = 0; i < 3; ++i)
    CHECK_FALSE(host.follower->take(Error{ErrorKind::temporary, "no member answers"}));
  CHECK_FALSE(told().is_connected);
  CHECK(told().why == "no member answers");
  CHECK(told().losses == 1);
  CHECK(host.follower->take(StoreAnswered()));
  CHECK(told().is_following());
  CHECK(told().why.empty());
  host.take(record_of(host.keys, 5));
  host.take(record_of(host.keys, 4));
  for (int i = 0; i < 3; ++i) host.take("garbage");
  CHECK(told().refused.at("claude") == RefusedRecords{1, 1});
}

TEST_CASE("what arrived, and when, is in the profile's history") {
  FollowerScene host;
  host.take(record_of(host.keys, 5));
  const auto arrival = host.runtime->history("claude")->value().fleet;
  REQUIRE(arrival);
  CHECK(arrival->login == 1);
  CHECK(arrival->generation == 5);
  CHECK(arrival->obtained_at == start);
  CHECK(arrival->arrived_at == start);
  CHECK_FALSE(arrival->is_refresher);
}
