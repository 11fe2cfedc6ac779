// SPDX-License-Identifier: Apache-2.0
#include "refresh/attempt.h"

#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

constexpr Time noon = Time(1'800'000'000'000ms);

ExchangeReport with_token(const std::string& access_token, const std::string& request) {
  ExchangeReport report;
  report.login.emplace();
  report.login->access_token_hash = access_token;
  report.login->request_hash = request;
  report.login->expires_at = noon + 8h;
  return report;
}

ExchangeReport failed(FailureKind kind, const std::string& request) {
  ExchangeReport report = with_token("old", request);
  report.failure = ExchangeFailure{.kind = kind, .message = "reason", .hint = "", .request_hash = request};
  return report;
}

void note_login_due(ProfileRecords& known, const ExchangeReport& report, Time time) {
  note_login(known, report, time);
  note_due(known, report, 60min, time);
}

}  // namespace

TEST_CASE("each attempt counts, and every failure makes the pause longer") {
  for (const FailureKind kind : values_of<FailureKind>()) {
    CAPTURE(word(kind));
    ProfileRecords known;
    const Published& published = known.published;
    note_attempt(known, failed(kind, "r"), {noon, 0.5});
    CHECK(published.attempts == 1);
    CHECK(published.rests(noon + 1s));
    CHECK(published.last_error->kind == kind);
    const Milliseconds first = published.not_before - noon;
    const Time later = published.not_before;
    note_attempt(known, failed(kind, "r"), {later, 0.5});
    CHECK(published.not_before - later > first);
    CHECK(known.history.failures == 2);
  }
}

TEST_CASE("a known failure is not counted again, and does not extend the pause") {
  ProfileRecords known;
  const Published& published = known.published;
  note_attempt(known, failed(FailureKind::server, "r"), {noon, 0.5});
  const Time rest = published.not_before;
  ExchangeReport again = failed(FailureKind::server, "r");
  again.failure->is_known = true;
  again.failure->message = "not asking";
  note_attempt(known, again, {noon + 5s, 0.5});
  CHECK(published.not_before == rest);
  CHECK(known.history.failures == 1);
  CHECK(published.last_error->message == "reason");
  CHECK(published.attempts == 2);
}

TEST_CASE("another failure does not shorten the pause that the server asked for") {
  ProfileRecords known;
  ExchangeReport throttled = failed(FailureKind::throttled, "r");
  throttled.failure->retry_after = 30min;
  note_attempt(known, throttled, {noon, 0.5});
  note_attempt(known, failed(FailureKind::busy, "r"), {noon + 1min, 0.5});
  CHECK(known.published.not_before == noon + 30min);
}

TEST_CASE("a refusal belongs to its request, and is over with another one") {
  ProfileRecords known;
  const Published& published = known.published;
  note_login(known, with_token("old", "r"), noon);
  note_attempt(known, failed(FailureKind::login_required, "r"), {noon, 0.5});
  CHECK(published.is_dead);
  note_login(known, with_token("old", "r"), noon);
  CHECK(published.is_dead);
  CHECK(published.rests(noon + 1s));
  note_login(known, with_token("old", "another endpoint"), noon);
  CHECK_FALSE(published.is_futile(noon + 1s));
}

TEST_CASE("a new token ends every pause") {
  ProfileRecords known;
  const Published& published = known.published;
  note_login(known, with_token("old", "r"), noon);
  note_attempt(known, failed(FailureKind::network, "r"), {noon, 0.5});
  note_login(known, with_token("new", "r"), noon);
  CHECK_FALSE(published.rests(noon + 1s));
  CHECK(known.history.failures == 0);
}

TEST_CASE("the lifetime of a granted token is remembered for those that others obtain") {
  ProfileRecords known;
  const Published& published = known.published;
  ExchangeReport granted = with_token("ours", "r");
  granted.refreshed = true;
  granted.login->expires_at = noon + 1h;
  note_login_due(known, granted, noon);
  CHECK(known.history.token_life == 1h);
  CHECK(published.due_at == noon + 30min);
  ExchangeReport found = with_token("somebody's", "r2");
  found.login->expires_at = noon + 50min;
  note_login_due(known, found, noon + 10min);
  CHECK(published.due_at == noon + 20min);
}

TEST_CASE("a token that was first seen with little left is due: what is left is not its lifetime") {
  ProfileRecords known;
  const Published& published = known.published;
  ExchangeReport found = with_token("somebody's", "r");
  found.login->expires_at = noon + 29min;
  note_login_due(known, found, noon);
  CHECK(published.due_at <= noon);
}

TEST_CASE("the outcome of one profile's attempt applies to another one with the same request") {
  ProfileRecords first;
  note_attempt(first, failed(FailureKind::network, "r"), {noon, 0.5});
  ProfileRecords second;
  note_attempt_of(second, with_token("old", "r"), first);
  CHECK(second.published.rests(noon + 1s));
  CHECK(second.published.last_error->message == "reason");
  CHECK(second.published.attempts == 1);
  ProfileRecords elsewhere;
  note_attempt_of(elsewhere, with_token("old", "another endpoint"), first);
  CHECK_FALSE(elsewhere.published.rests(noon + 1s));
  CHECK(elsewhere.published.attempts == 0);
}

TEST_CASE("the lifetime that one profile's refresh has shown counts for another one with the same request") {
  ProfileRecords first;
  ExchangeReport granted = with_token("new", "r");
  granted.refreshed = true;
  granted.login->expires_at = noon + 1h;
  note_login_due(first, granted, noon);
  ProfileRecords second;
  granted.refreshed = false;
  note_login(second, granted, noon);
  note_attempt_of(second, granted, first);
  note_due(second, granted, 60min, noon);
  CHECK(second.published.due_at == first.published.due_at);
}
