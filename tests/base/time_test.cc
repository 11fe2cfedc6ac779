// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

TEST_CASE("a duration is a whole number and its unit") {
  CHECK(*parse_duration("500ms") == 500ms);
  CHECK(*parse_duration("8s") == 8s);
  CHECK(*parse_duration("60m") == 60min);
  CHECK(*parse_duration("2h") == 2h);
  CHECK(*parse_duration("366d") == 366 * 24h);
}

TEST_CASE("a duration without a unit, below zero or beyond a year is refused and quoted") {
  for (const char* text : {"8", "", "s", "-1s", "1.5s", "1 s", "367d", "99999999999999999999s"}) {
    const auto duration = parse_duration(text);
    REQUIRE_FALSE(duration);
    CHECK(duration.error().message.find(std::string("'") + text + "'") != std::string::npos);
  }
}

TEST_CASE("a time is written as RFC 3339 in UTC") {
  CHECK(rfc3339(Time(1'795'490'906'245ms)) == "2026-11-24T03:28:26Z");
}

TEST_CASE("a remaining time is described in at most two units") {
  CHECK(describe(7h + 59min + 3s) == "7 h 59 min");
  CHECK(describe(26h) == "1 d 2 h");
  CHECK(describe(-5s) == "0 s");
}
