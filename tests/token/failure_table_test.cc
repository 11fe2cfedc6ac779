// SPDX-License-Identifier: Apache-2.0
#include "token/failure_table.h"

#include <set>

#include "program/exit_code.h"
#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

TEST_CASE("each kind of failure has its own word, and is found by it") {
  std::set<std::string_view> words;
  for (const FailureKind kind : values_of<FailureKind>()) {
    words.insert(word(kind));
    CHECK(from_word<FailureKind>(word(kind)) == kind);
  }
  CHECK(words.size() == values_of<FailureKind>().size());
  CHECK(word(FailureKind::login_required) == "login_required");
  CHECK(word(FailureKind::configuration) == "configuration");
  CHECK_FALSE(from_word<FailureKind>("none of them"));
}

TEST_CASE("each kind of failure has a pause that grows, up to an hour") {
  for (const FailureKind kind : values_of<FailureKind>()) {
    CAPTURE(word(kind));
    for (const Milliseconds left : {Milliseconds(0), Milliseconds(8h)}) {
      Milliseconds before{0};
      for (const unsigned failures : {1U, 2U, 3U, 4U, 100U}) {
        const Milliseconds rest = rest_after({.kind = kind, .failures = failures, .token_left = left});
        CHECK(rest >= 5s);
        CHECK(rest >= before);
        CHECK(rest_after({.kind = kind, .failures = failures, .token_left = left, .jitter = 0.999}) <=
              longest_rest);
        before = rest;
      }
      CHECK(before > rest_after({.kind = kind, .failures = 1, .token_left = left}));
    }
  }
}

TEST_CASE("what the server asked for counts, within bounds") {
  CHECK(rest_after({.kind = FailureKind::throttled, .retry_after = 60s}) == 60s);
  CHECK(rest_after({.kind = FailureKind::throttled, .retry_after = 0s}) == 1s);
  CHECK(rest_after({.kind = FailureKind::server, .retry_after = 24h}) == 1h);
}

TEST_CASE("unless the server says otherwise, the pause doubles up to half an hour, varied by a quarter") {
  CHECK(rest_after({.kind = FailureKind::server}) == 30s);
  CHECK(rest_after({.kind = FailureKind::server, .failures = 3}) == 120s);
  CHECK(rest_after({.kind = FailureKind::server, .failures = 100}) == 30min);
  CHECK(rest_after({.kind = FailureKind::server, .jitter = 0}) == 22500ms);
}

TEST_CASE("a silent network is left alone for a short while only") {
  CHECK(rest_after({.kind = FailureKind::network}) == 10s);
  CHECK(rest_after({.kind = FailureKind::network, .failures = 100}) == 1min);
}

TEST_CASE("a refresh token that may be spent is not sent again soon while the old access token is valid") {
  CHECK(rest_after({.kind = FailureKind::unknown}) == 30s);
  CHECK(rest_after({.kind = FailureKind::unknown, .token_left = 1h}) == 5min);
  CHECK(rule_of(FailureKind::unknown).refresh_token == RefreshToken::maybe_spent);
}

TEST_CASE("a pause ends before a valid token expires") {
  for (const FailureKind kind : {FailureKind::server, FailureKind::unknown, FailureKind::throttled}) {
    CHECK(rest_after({.kind = kind, .failures = 9, .token_left = 20min, .jitter = 0.999}) < 20min);
    CHECK(rest_after({.kind = kind, .failures = 9, .token_left = 4min, .jitter = 0.999}) < 4min);
  }
}

TEST_CASE("only what needs a person is not worth another attempt") {
  for (const FailureKind kind : {FailureKind::throttled, FailureKind::server, FailureKind::network,
                                 FailureKind::unknown, FailureKind::busy}) {
    CHECK(rule_of(kind).remedy == Remedy::time);
    CHECK(exit_code(rule_of(kind).error) == ExitCode::temporary);
  }
  for (const FailureKind kind :
       {FailureKind::login_required, FailureKind::rejected, FailureKind::login, FailureKind::configuration}) {
    CHECK(rule_of(kind).remedy == Remedy::person);
    CHECK(exit_code(rule_of(kind).error) != ExitCode::temporary);
  }
  CHECK(exit_code(rule_of(FailureKind::login_required).error) == ExitCode::login_required);
}

TEST_CASE("a throttled client is pointed at its user agent") {
  CHECK(rule_of(FailureKind::throttled).hint.find("\"user_agent\"") != std::string_view::npos);
}
