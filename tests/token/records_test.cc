// SPDX-License-Identifier: Apache-2.0
#include "token/records.h"

#include "support/catch.h"
#include "support/record_equal.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

TEST_CASE("what is published, and what refreshes remember, is read back as it was") {
  Published published;
  published.login = {1, 2, 3, 4};
  published.login_is_visible = false;
  published.obtained_at = Time(5ms);
  published.due_at = Time(6ms);
  published.expires_at = Time(7ms);
  published.access_token_hash = std::string(64, 'a');
  published.is_dead = true;
  published.not_before = Time(9ms);
  published.attempted_at = Time(8ms);
  published.attempts = 12;
  published.last_error = LastError{FailureKind::throttled, "m", "h", Time(10ms)};
  published.shadowed_by = {"A_TOKEN", "B_KEY"};
  const auto read = read_record<Published>(write_record(published).reveal(), "f");
  REQUIRE(read);
  CHECK(*read == published);

  const RefreshHistory history = {8h, Time(8ms), std::nullopt, 3, "dead", "failed", {{"refreshed", 7}}};
  const auto remembered = read_record<RefreshHistory>(write_record(history).reveal(), "f");
  REQUIRE(remembered);
  CHECK(*remembered == history);
}

TEST_CASE("a login that root cannot look at counts as unchanged") {
  Published published;
  published.login = {1, 2, 3, 4};
  CHECK_FALSE(login_is_unchanged("/nowhere/login.json", published));
  published.login_is_visible = false;
  CHECK(login_is_unchanged("/nowhere/login.json", published));
}

TEST_CASE("a refused login and a cool-down make another attempt futile") {
  Published published;
  CHECK_FALSE(published.is_futile(Time(1h)));
  published.not_before = Time(1h + 1ms);
  CHECK(published.is_futile(Time(1h)));
  CHECK_FALSE(published.is_futile(Time(1h + 1ms)));
  published.is_dead = true;
  CHECK(published.is_futile(Time(1h + 1ms)));
}
