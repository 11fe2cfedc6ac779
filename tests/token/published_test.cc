// SPDX-License-Identifier: Apache-2.0
#include "token/published.h"

#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

TEST_CASE("what is published is read back as it was") {
  Published published;
  published.provider = "claude";
  published.login = {1, 2, 3, 4};
  published.obtained_at = Time(5ms);
  published.due_at = Time(6ms);
  published.expires_at = Time(7ms);
  published.refreshed_at = Time(8ms);
  published.dead_request_hash = std::string(64, 'a');
  published.failed_request_hash = std::string(64, 'b');
  published.not_before = Time(9ms);
  published.token_life = 8h;
  published.failures = 3;
  published.attempts = 12;
  published.shadowed_by = {"A_TOKEN", "B_KEY"};
  published.login_is_visible = false;
  published.last_error = LastError{FailureKind::throttled, "m", "h", Time(10ms)};
  const auto read = parse_published(format_published(published), "f");
  REQUIRE(read);
  CHECK(read->login == published.login);
  CHECK(read->expires_at == published.expires_at);
  CHECK(read->refreshed_at == published.refreshed_at);
  CHECK_FALSE(read->login_expires_at);
  CHECK(read->dead_request_hash == published.dead_request_hash);
  CHECK(read->failed_request_hash == published.failed_request_hash);
  CHECK(read->token_life == 8h);
  CHECK(read->failures == 3);
  CHECK(read->attempts == 12);
  CHECK(read->shadowed_by == published.shadowed_by);
  CHECK_FALSE(read->login_is_visible);
  REQUIRE(read->last_error);
  CHECK(read->last_error->kind == FailureKind::throttled);
}

TEST_CASE("a login that root cannot look at counts as unchanged") {
  Published published;
  published.login = {1, 2, 3, 4};
  CHECK_FALSE(login_is_unchanged("/nowhere/login.json", published));
  published.login_is_visible = false;
  CHECK(login_is_unchanged("/nowhere/login.json", published));
}

TEST_CASE("a file of another version is refused") {
  CHECK_FALSE(parse_published("{}", "f"));
}
