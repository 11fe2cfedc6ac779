// SPDX-License-Identifier: Apache-2.0
#include "token/policy.h"

#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

constexpr Time start = Time(1'800'000'000'000ms);

}  // namespace

TEST_CASE("a long-lived token is due refresh_before ahead of its expiry") {
  CHECK(due_at(start, start + 8h, 60min) == start + 7h);
}

TEST_CASE("a short-lived token is due at half of its life") {
  CHECK(due_at(start, start + 1h, 60min) == start + 30min);
  CHECK(due_at(start, start + 10min, 60min) == start + 5min);
}

TEST_CASE("a token that was expired when first seen is due at its expiry") {
  CHECK(due_at(start, start - 1h, 60min) == start - 1h);
}

TEST_CASE("a token is fresh, then due, then expired") {
  CHECK(freshness(start, start + 1s, start + 2s) == Freshness::fresh);
  CHECK(freshness(start + 1s, start + 1s, start + 2s) == Freshness::due);
  CHECK(freshness(start + 2s, start + 1s, start + 2s) == Freshness::expired);
}
