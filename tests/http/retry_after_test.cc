// SPDX-License-Identifier: Apache-2.0
#include "http/retry_after.h"

#include "support/catch.h"

namespace oci_oauth {

using namespace std::chrono_literals;

namespace {

const Time noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + 12h;

std::optional<Milliseconds> parse(std::string_view value) {
  return parse_retry_after(value, noon);
}

}  // namespace

TEST_CASE("Retry-After in seconds") {
  CHECK(parse("60") == Milliseconds(60s));
  CHECK(parse("0") == Milliseconds(0));
  CHECK(parse(" 7\t") == Milliseconds(7s));
}

TEST_CASE("Retry-After as a date, in each of the three forms of HTTP") {
  CHECK(parse("Tue, 24 Nov 2026 12:01:30 GMT") == Milliseconds(90s));
  CHECK(parse("Tuesday, 24-Nov-26 12:01:30 GMT") == Milliseconds(90s));
  CHECK(parse("Tue Nov 24 12:01:30 2026") == Milliseconds(90s));
  CHECK(parse("Sun Nov  1 12:00:00 2026") == Milliseconds(0));
}

TEST_CASE("a Retry-After is clamped to between nothing and a day") {
  CHECK(parse("Tue, 24 Nov 2026 11:59:59 GMT") == Milliseconds(0));
  CHECK(parse("Wed, 24 Nov 2027 12:00:00 GMT") == Milliseconds(24h));
  CHECK(parse("Fri, 31 Dec 9999 23:59:59 GMT") == Milliseconds(24h));
  CHECK(parse("Sat, 31 Dec 2016 23:59:60 GMT") == Milliseconds(0));  // a leap second
  CHECK(parse("86401") == Milliseconds(24h));
  CHECK(parse("99999999999999999999999999") == Milliseconds(24h));
}

TEST_CASE("a Retry-After in neither format is ignored") {
  for (const char* value : {"", " ", "-1", "+1", "1.5", "60 s", "0x10", "soon", "Tue, 24 Nov 2026 12:01:30",
                            "Tue, 24 Nov 2026 12:01:30 GMT+1", "Tue, 30 Feb 2026 12:00:00 GMT"}) {
    CAPTURE(value);
    CHECK(parse(value) == std::nullopt);
  }
  CHECK(parse(std::string_view("6\0", 2)) == std::nullopt);
}

}  // namespace oci_oauth
