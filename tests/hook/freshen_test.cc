// SPDX-License-Identifier: Apache-2.0
#include "hook/freshen.h"

#include "support/catch.h"

using namespace oci_oauth;

namespace {

using std::chrono::hours;

const Time noon{hours(24 * 365 * 50)};

Published token(Time expires_at) {
  Published published;
  published.obtained_at = noon - hours(4);
  published.due_at = expires_at - hours(1);
  published.expires_at = expires_at;
  return published;
}

Published dead(Published published) {
  published.is_dead = true;
  published.last_error = LastError{FailureKind::login, "the server refused the login", "log in", noon};
  return published;
}

}  // namespace

TEST_CASE("a fresh token of an unchanged login needs nothing") {
  CHECK(need_of(token(noon + hours(8)), LoginChange::unchanged, noon) == Need::nothing);
}

TEST_CASE("a token that is due is delivered while a refresh is started") {
  CHECK(need_of(token(noon + hours(1)), LoginChange::unchanged, noon) == Need::refresh);
}

TEST_CASE("an expired token, a changed login and a profile that was never published are waited for") {
  CHECK(need_of(token(noon), LoginChange::unchanged, noon) == Need::wait);
  CHECK(need_of(token(noon + hours(8)), LoginChange::changed, noon) == Need::wait);
  CHECK(need_of(std::nullopt, LoginChange::unchanged, noon) == Need::wait);
}

TEST_CASE("nobody waits for what a refresher would only say again") {
  CHECK(need_of(dead(token(noon)), LoginChange::unchanged, noon) == Need::nothing);
  Published resting = token(noon);
  resting.not_before = noon + std::chrono::minutes(1);
  CHECK(need_of(resting, LoginChange::unchanged, noon) == Need::nothing);
  // A person has logged in again.
  CHECK(need_of(dead(token(noon)), LoginChange::changed, noon) == Need::wait);
}

TEST_CASE("a clock that was set back makes a token due") {
  Published published = token(noon + hours(8));
  published.obtained_at = noon + hours(2);
  CHECK(need_of(published, LoginChange::unchanged, noon) == Need::refresh);
}

TEST_CASE("a valid token is judged by itself, whatever became of the refresh") {
  const auto fresh = judge(token(noon + hours(1)), Error{ErrorKind::temporary, "no answer"}, noon);
  REQUIRE(fresh);
  REQUIRE(fresh->trouble);
  CHECK(fresh->trouble->message == "no answer");
  CHECK_FALSE(judge(token(noon + hours(1)), {}, noon)->trouble);
}

TEST_CASE("without a valid token the reason is the refresh's, else the last attempt's") {
  CHECK(judge(token(noon), Error{ErrorKind::temporary, "no answer"}, noon).error().message == "no answer");
  CHECK(judge(dead(token(noon)), {}, noon).error().message == "the server refused the login");
  CHECK(judge(std::nullopt, {}, noon).error().message == "there is no valid token");
  CHECK(judge(Published{}, {}, noon).error().message == "there is no valid token");
}
