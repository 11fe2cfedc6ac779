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
  token.last_error = LastError{kind, "failed", "", token.attempted_at};
  return token;
}

}  // namespace

TEST_CASE("a long-lived token is due refresh_before ahead of its expiry") {
  CHECK(due_at(start + 8h, 8h, 60min) == start + 7h);
}

TEST_CASE("a short-lived token is due at half of its lifetime") {
  CHECK(due_at(start + 1h, 1h, 60min) == start + 30min);
  CHECK(due_at(start + 10min, 10min, 60min) == start + 5min);
}

TEST_CASE("a small margin grows to what the timer needs") {
  CHECK(due_at(start + 8h, 8h, 5min) == start + 8h - longest_tick - longest_run);
  CHECK(due_at(start + 8h, 8h, 0min) == due_at(start + 8h, 8h, 5min));
}

TEST_CASE("some tick finds a token due and has time to refresh it, whenever the ticks are") {
  for (const Milliseconds life : {Milliseconds(8h), Milliseconds(2h), Milliseconds(71min)}) {
    const Time due = due_at(start + life, life, 60min);
    for (Milliseconds phase = 0min; phase < longest_tick; phase += 1min) {
      Time tick = start + phase;
      while (tick < due) tick += longest_tick;
      CHECK(tick + longest_run <= start + life);
    }
  }
}

TEST_CASE("a token that no tick may find in time becomes due within a tick of being obtained") {
  for (const Milliseconds life : {Milliseconds(1h), Milliseconds(10min), Milliseconds(4s)}) {
    Published token;
    token.obtained_at = token.attempted_at = start;
    token.expires_at = start + life;
    token.due_at = due_at(token.expires_at, life, 60min);
    CHECK(next_look(token, start) == start + life / 2);
    CHECK(*next_look(token, start) - start < longest_tick);
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
  CHECK(next_look(token, token.attempted_at) == token.attempted_at + 60s);
  token.expires_at = token.due_at + 80s;
  CHECK(next_look(token, token.attempted_at) == token.attempted_at + 10s);
}

TEST_CASE("a try waits for the end of the cool-down") {
  Published token = due_and_failed(FailureKind::throttled);
  token.not_before = token.attempted_at + 5min;
  CHECK(next_look(token, token.attempted_at) == token.not_before);
}

TEST_CASE("a token that expired long ago is tried once a minute") {
  Published token = due_and_failed(FailureKind::network);
  token.expires_at = token.due_at = start - 48h;
  CHECK(next_look(token, token.attempted_at) == token.attempted_at + 60s);
}

TEST_CASE("what only a person can fix is not tried again") {
  CHECK_FALSE(next_look(due_and_failed(FailureKind::login_required), start));
  CHECK_FALSE(next_look(due_and_failed(FailureKind::login), start));
  CHECK_FALSE(next_look(due_and_failed(FailureKind::rejected), start));
}

TEST_CASE("a server whose tokens are dead on arrival is asked once a minute at most") {
  Published token;
  token.obtained_at = token.attempted_at = token.due_at = token.expires_at = start;
  CHECK(next_look(token, start) == start + 60s);
}

TEST_CASE("a profile of which nothing is known has no next look") {
  CHECK_FALSE(next_look(Published{}, start));
}

TEST_CASE("a token that was expired when first seen is due") {
  CHECK(due_at(start - 1h, 0min, 60min) < start - 1h);
}

TEST_CASE("a token is fresh, then due, then expired") {
  CHECK(freshness(start, start, start + 1s, start + 2s) == Freshness::fresh);
  CHECK(freshness(start + 1s, start, start + 1s, start + 2s) == Freshness::due);
  CHECK(freshness(start + 2s, start, start + 1s, start + 2s) == Freshness::expired);
}

TEST_CASE("an unknown lifetime counts as long, whatever is left of it") {
  CHECK(due_at(start + 29min, 0min, 60min) <= start);
  CHECK(life_of_token(0min, start + 29min, start) == 0min);
  CHECK(life_of_token(8h, start + 29min, start) == 8h);
  CHECK(life_of_token(8h, start + 30 * 24h, start) == 30 * 24h);
}

TEST_CASE("a token that was obtained in the future is due until it has expired") {
  Published token;
  token.obtained_at = start + 3h;
  token.due_at = start + 10h;
  token.expires_at = start + 11h;
  CHECK(freshness(token, start) == Freshness::due);
  CHECK(freshness(token, start + 3h - 30s) == Freshness::fresh);
  CHECK(freshness(token, start + 11h) == Freshness::expired);
}

TEST_CASE("a host that boots in 1970 takes nothing for fresh that it knew in 2027") {
  Published token;
  token.obtained_at = token.attempted_at = start;
  token.due_at = start + 7h;
  token.expires_at = start + 8h;
  CHECK(freshness(token, Time(5s)) == Freshness::due);
  CHECK(next_look(token, Time(5s)) == Time(5s) + 60s);
}

TEST_CASE("a token that was obtained in 1970 is as good as its expiry once the clock is right") {
  Published token;
  token.obtained_at = Time(5s);
  token.expires_at = start + 8h;
  token.due_at = due_at(token.expires_at, life_of_token(0min, token.expires_at, Time(5s)), 60min);
  CHECK(freshness(token, start) == Freshness::fresh);
  CHECK(token.due_at == start + 7h);
}

TEST_CASE("after a suspend, or a leap ahead, what became due in between is due at once") {
  Published token = due_and_failed(FailureKind::network);
  token.not_before = token.attempted_at + 10s;
  const Time woken = token.expires_at + 72h;
  CHECK(freshness(token, woken) == Freshness::expired);
  CHECK(*next_look(token, woken) <= woken);
}

TEST_CASE("after a leap back neither an attempt nor a pause in the future keeps a refresher waiting") {
  Published token = due_and_failed(FailureKind::network);
  token.not_before = token.attempted_at + 10s;
  const Time earlier = start - 30 * 24h;
  CHECK(next_look(token, earlier) == earlier + 60s);
}

TEST_CASE("a token never outlives its lifetime because this host's clock was ahead when it was granted") {
  CHECK(granted_until(start, 8h, std::nullopt) == start + 8h);
  CHECK(granted_until(start, 8h, start - 20s) == start + 8h);
  CHECK(granted_until(start + 3h, 8h, start) == start + 8h);
  // Behind: by this clock it ends early enough, and when that is set right it is past in time.
  CHECK(granted_until(start - 3h, 8h, start) == start + 5h);
}

TEST_CASE("a clock that is ahead by more than a lifetime still leaves half of it, for the time being") {
  CHECK(granted_until(start + 10h, 8h, start) == start + 14h);
}
