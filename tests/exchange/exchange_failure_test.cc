// SPDX-License-Identifier: Apache-2.0
#include "exchange/exchange_failure.h"

#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

constexpr Time failed_at = Time(1'800'000'000'000ms);

TokenAnswer answer(AnswerKind kind, std::string code = "") {
  TokenAnswer answer;
  answer.kind = kind;
  answer.message = "400";
  answer.error_code = std::move(code);
  return answer;
}

}  // namespace

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
  const auto message = [](AnswerKind kind) {
    return failure_of(answer(kind), Provider(), failed_at).message;
  };
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
