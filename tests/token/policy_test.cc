// SPDX-License-Identifier: Apache-2.0
#include "token/policy.h"

#include <fstream>
#include <iterator>
#include <string>

#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

constexpr Time start = Time(1'800'000'000'000ms);

Published due_and_failed(FailureKind kind) {
  Published token;
  token.obtained_at = start;
  token.due_at = start + 7h;
  token.expires_at = start + 8h;
  token.attempted_at = token.due_at + 1min;
  token.failures = 1;
  token.last_error = LastError{kind, "failed", "", token.attempted_at};
  return token;
}

}  // namespace

TEST_CASE("a long-lived token is due refresh_before ahead of its expiry") {
  CHECK(due_at(start, start + 8h, 60min) == start + 7h);
}

TEST_CASE("a short-lived token is due at half of its life") {
  CHECK(due_at(start, start + 1h, 60min) == start + 30min);
  CHECK(due_at(start, start + 10min, 60min) == start + 5min);
}

TEST_CASE("a small margin grows to what the timer needs") {
  CHECK(due_at(start, start + 8h, 5min) == start + 8h - longest_tick - longest_run);
  CHECK(due_at(start, start + 8h, 0min) == due_at(start, start + 8h, 5min));
}

TEST_CASE("some tick finds a token due and has time to refresh it, whenever the ticks are") {
  for (const Milliseconds life : {Milliseconds(8h), Milliseconds(2h), Milliseconds(71min)}) {
    const Time due = due_at(start, start + life, 60min);
    for (Milliseconds phase = 0min; phase < longest_tick; phase += 1min) {
      Time tick = start + phase;
      while (tick < due) tick += longest_tick;
      CHECK(tick + longest_run <= start + life);
    }
  }
}

TEST_CASE("a token that no tick may find in time falls due within a tick of when it was obtained") {
  for (const Milliseconds life : {Milliseconds(1h), Milliseconds(10min), Milliseconds(4s)}) {
    Published token;
    token.obtained_at = token.attempted_at = start;
    token.expires_at = start + life;
    token.due_at = due_at(start, token.expires_at, 60min);
    CHECK(next_look(token) == start + life / 2);
    CHECK(*next_look(token) - start < longest_tick);
  }
}

TEST_CASE("what the timer promises is what its unit says") {
  std::ifstream file(SOURCE_DIR "/oci-config/systemd/oci-oauth-refresh.timer");
  const std::string unit{std::istreambuf_iterator<char>(file), {}};
  CHECK_THAT(unit, Catch::Contains("\nOnCalendar=*:0/30\n") &&
                       Catch::Contains("\nRandomizedDelaySec=2min\n") &&
                       Catch::Contains("\nAccuracySec=1min\n"));
}

TEST_CASE("a refresh that failed for the time being is tried again, a few times before the token expires") {
  Published token = due_and_failed(FailureKind::network);
  CHECK(next_look(token) == token.attempted_at + 60s);
  token.expires_at = token.due_at + 80s;
  CHECK(next_look(token) == token.attempted_at + 10s);
}

TEST_CASE("a try waits for the end of the cool-down") {
  Published token = due_and_failed(FailureKind::throttled);
  token.not_before = token.attempted_at + 5min;
  CHECK(next_look(token) == token.not_before);
}

TEST_CASE("a token that expired long ago is tried once a minute") {
  Published token = due_and_failed(FailureKind::network);
  token.expires_at = token.due_at = start - 48h;
  CHECK(next_look(token) == token.attempted_at + 60s);
}

TEST_CASE("what only a person can mend is not tried again") {
  CHECK_FALSE(next_look(due_and_failed(FailureKind::login_required)));
  CHECK_FALSE(next_look(due_and_failed(FailureKind::login)));
  CHECK_FALSE(next_look(due_and_failed(FailureKind::rejected)));
}

TEST_CASE("a server whose tokens are dead on arrival is asked once a minute at most") {
  Published token;
  token.obtained_at = token.attempted_at = token.due_at = token.expires_at = start;
  CHECK(next_look(token) == start + 60s);
}

TEST_CASE("a profile of which nothing is known has no next look") {
  CHECK_FALSE(next_look(Published{}));
}

TEST_CASE("a token that was expired when first seen is due at its expiry") {
  CHECK(due_at(start, start - 1h, 60min) == start - 1h);
}

TEST_CASE("a token is fresh, then due, then expired") {
  CHECK(freshness(start, start + 1s, start + 2s) == Freshness::fresh);
  CHECK(freshness(start + 1s, start + 1s, start + 2s) == Freshness::due);
  CHECK(freshness(start + 2s, start + 1s, start + 2s) == Freshness::expired);
}
