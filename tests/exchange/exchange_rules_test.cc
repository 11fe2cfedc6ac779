// SPDX-License-Identifier: Apache-2.0
#include "exchange/exchange_rules.h"

#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

TokenAnswer answer(AnswerKind kind, std::string code = "") {
  TokenAnswer answer;
  answer.kind = kind;
  answer.message = "400";
  answer.error_code = std::move(code);
  return answer;
}

constexpr Time eight = Time(1'800'000'000'000ms);

// A request after what is known, at eight o'clock.
struct Known {
  ExchangeRequest request;
  std::vector<std::string> notices;

  std::optional<ExchangeFailure> failure(const std::string& hash, Time time = eight) {
    return known_failure(request, hash, "/login", notices, time);
  }
};

}  // namespace

TEST_CASE("a request that was refused for good is not sent again, unless it is forced or another one") {
  Known known;
  CHECK_FALSE(known.failure("r"));
  known.request.known.history.dead_request_hash = "r";
  const auto failed = known.failure("r");
  REQUIRE(failed);
  CHECK(failed->is_known);
  CHECK(failed->kind == FailureKind::login_required);
  CHECK(failed->message == "/login: the server refused this refresh token for good");
  CHECK_FALSE(known.failure("another"));
  CHECK(known.notices.empty());
  known.request.force = Force::yes;
  CHECK_FALSE(known.failure("r"));
  CHECK(known.notices.size() == 1);
}

TEST_CASE("a request that failed is not sent again during its pause") {
  Known known;
  known.request.known.published.not_before = eight + 1min;
  known.request.known.published.last_error =
      LastError{FailureKind::server, "token endpoint: 503", "", eight - 1s};
  known.request.known.history.failed_request_hash = "r";
  const auto failed = known.failure("r");
  REQUIRE(failed);
  CHECK(failed->kind == FailureKind::server);
  CHECK_THAT(failed->message, Contains("before 2027-01-15T08:01:00Z: token endpoint: 503"));
  CHECK_FALSE(known.failure("another"));
  CHECK_FALSE(known.failure("r", eight + 1min));
}

TEST_CASE("each answer that is not a grant is a kind of failure") {
  const std::pair<AnswerKind, FailureKind> kinds[] = {
      {AnswerKind::login_required, FailureKind::login_required},
      {AnswerKind::throttled, FailureKind::throttled},
      {AnswerKind::unreadable, FailureKind::unknown},
      {AnswerKind::invalid_scope, FailureKind::rejected},
      {AnswerKind::rejected, FailureKind::rejected},
      {AnswerKind::server_error, FailureKind::server}};
  for (const auto& [kind, failure] : kinds) {
    CAPTURE(static_cast<int>(kind));
    const ExchangeFailure failed = failure_of(answer(kind), Provider(), std::nullopt);
    CHECK(failed.kind == failure);
    CHECK(failed.message == "token endpoint: 400");
    CHECK(failed.hint == rule_of(failure).hint);
    CHECK_FALSE(failed.is_known);
  }
}

TEST_CASE("a code that the provider lists ends the login, unless it comes from a broken server") {
  Provider provider;
  provider.terminal_errors = {"refresh_token_reused"};
  const auto kind = [&](AnswerKind answered) {
    return failure_of(answer(answered, "refresh_token_reused"), provider, std::nullopt).kind;
  };
  CHECK(kind(AnswerKind::rejected) == FailureKind::login_required);
  CHECK(kind(AnswerKind::throttled) == FailureKind::login_required);
  CHECK(kind(AnswerKind::server_error) == FailureKind::server);
}

TEST_CASE(
    "a refusal mentions an earlier refresh that never ended, because that one may have spent the token") {
  const auto message = [](AnswerKind kind) { return failure_of(answer(kind), Provider(), eight).message; };
  CHECK_THAT(message(AnswerKind::login_required),
             Contains("an earlier refresh began at 2027-01-15T08:00:00Z"));
  CHECK(message(AnswerKind::throttled) == "token endpoint: 400");
}

TEST_CASE("without an answer, it counts whether anything was sent") {
  CHECK(failure_of(RequestFailure{RequestFailure::Sent::no, "x"}).kind == FailureKind::network);
  CHECK(failure_of(RequestFailure{RequestFailure::Sent::perhaps, "x"}).kind == FailureKind::unknown);
}

TEST_CASE("an error on this host belongs to the login, unless a lock or a person is in the way") {
  CHECK(failure_of(Error{ErrorKind::failed, "x"}).kind == FailureKind::login);
  CHECK(failure_of(Error{ErrorKind::temporary, "x"}).kind == FailureKind::busy);
  CHECK(failure_of(Error{ErrorKind::action_required, "x", "log in"}).hint == "log in");
}
