// SPDX-License-Identifier: Apache-2.0
// A login or a logout while a refresh is waiting for its answer, and the other way round.
#include <unistd.h>

#include <thread>

#include "exchange/exchange.h"
#include "login/log_in.h"
#include "support/lock_waiter.h"
#include "world.h"

using namespace oci_oauth;
using namespace oci_oauth::test;

namespace {

const std::string refreshed =
    R"({"access_token": "at2-secret", "refresh_token": "rt2-secret", "expires_in": 3600})";

bool is_refresh(const test::Parameters& parameters) {
  const auto grant = parameters.find("grant_type");
  return grant != parameters.end() && grant->second == "refresh_token";
}

// A login that is due, at a server that answers its refresh only after `other` has come to wait for it.
struct Race {
  World world;
  std::thread other;
  ExchangeReport report;

  explicit Race(ExchangeReport (*act)(const ExchangeRequest&)) {
    world.write_login();
    world.answers["token"] = {{200, {}, refreshed}, {200, {}, grant}};
    world.request.force = Force::yes;
    world.meanwhile = [this, act](const std::string& word) {
      if (word != "token" || !is_refresh(world.seen.back().second)) return;
      other = std::thread([this, act] { report = act(world.request); });
      CHECK(comes_to_wait(::getpid()));
    };
  }
  // Result: the refresh's report.
  ExchangeReport run() {
    auto kept = keep_fresh(world.request, [] { return false; });
    other.join();
    INFO((report.failure ? report.failure->message : ""));
    CHECK_FALSE(report.failure);
    return kept;
  }
};

}  // namespace

TEST_CASE("a logout during a refresh revokes what the refresh obtained") {
  Race race(log_out);
  CHECK(race.run().refreshed);
  REQUIRE(race.world.count("revoke") == 2);
  CHECK(race.world.seen[1].second.at("token") == "rt2-secret");
  CHECK(race.world.seen[2].second.at("token") == "at2-secret");
  CHECK_FALSE(race.world.has_login());
}

TEST_CASE("a login during a refresh comes after it, and stays") {
  Race race(log_in);
  CHECK(race.run().refreshed);
  CHECK(race.world.member("refresh_token") == "rt-secret");
  const auto later = keep_fresh(race.world.request, [] { return true; });
  CHECK(later.login);
  CHECK(race.world.member("refresh_token") == "rt-secret");
}

TEST_CASE("a refresh during a logout finds no login, and sends nothing") {
  World world;
  world.write_login();
  std::thread refresh;
  ExchangeReport kept;
  world.meanwhile = [&](const std::string& word) {
    if (word != "revoke" || refresh.joinable()) return;
    refresh = std::thread([&] { kept = keep_fresh(world.request, [] { return false; }); });
    CHECK(comes_to_wait(::getpid()));
  };
  CHECK_FALSE(world.run(log_out).failure);
  refresh.join();
  REQUIRE(kept.failure);
  CHECK_THAT(kept.failure->message, Contains("No such file"));
  CHECK(world.count("token") == 0);
  CHECK_FALSE(world.has_login());
}
