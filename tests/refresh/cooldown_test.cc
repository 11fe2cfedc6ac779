// SPDX-License-Identifier: Apache-2.0
#include "refresh/cooldown.h"

#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

TEST_CASE("what the server asked for counts, within bounds") {
  CHECK(cooldown(FailureKind::throttled, 1, 60s, 0.5) == 60s);
  CHECK(cooldown(FailureKind::throttled, 1, 0s, 0.5) == 1s);
  CHECK(cooldown(FailureKind::server, 1, 24h, 0.5) == 1h);
}

TEST_CASE("without a word of the server's it doubles up to half an hour, spread by a quarter") {
  CHECK(cooldown(FailureKind::server, 1, {}, 0.5) == 30s);
  CHECK(cooldown(FailureKind::server, 3, {}, 0.5) == 120s);
  CHECK(cooldown(FailureKind::server, 100, {}, 0.5) == 30min);
  CHECK(cooldown(FailureKind::server, 1, {}, 0) == 22500ms);
}

TEST_CASE("a failure that is not the server's needs no rest") {
  CHECK(cooldown(FailureKind::network, 5, {}, 0.5) == 0ms);
  CHECK(cooldown(FailureKind::login, 5, {}, 0.5) == 0ms);
}
