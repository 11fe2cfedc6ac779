// SPDX-License-Identifier: Apache-2.0
#include "worker/exchange_report.h"

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("a report survives the way between two processes") {
  ExchangeReport sent;
  sent.refreshed = true;
  sent.notices = {"a notice"};
  sent.stored_in = std::chrono::microseconds(700);
  sent.failure =
      ExchangeFailure{FailureKind::throttled, "not now", "wait", Milliseconds(30000), "hash", true};
  sent.login.emplace();
  sent.login->stamp = {1, 2, 3, 4};
  sent.login->is_on_local_storage = false;
  sent.login->access_token_hash = "access";
  sent.login->request_hash = "request";
  sent.login->expires_at = Time(Milliseconds(17));
  sent.login->login_expires_at = Time(Milliseconds(18));
  sent.login->can_be_refreshed = false;
  sent.login->files.emplace_back("token", Secret(std::string_view("sk-\"quoted\"")));

  const auto read = parse_report(format_report(sent).reveal());
  REQUIRE(read);
  CHECK(read->refreshed);
  CHECK(read->notices == sent.notices);
  CHECK(read->stored_in == sent.stored_in);
  REQUIRE(read->failure);
  CHECK(read->failure->kind == FailureKind::throttled);
  CHECK(read->failure->message == "not now");
  CHECK(read->failure->hint == "wait");
  CHECK(read->failure->retry_after == Milliseconds(30000));
  CHECK(read->failure->request_hash == "hash");
  CHECK(read->failure->is_known);
  REQUIRE(read->login);
  CHECK(read->login->stamp == sent.login->stamp);
  CHECK_FALSE(read->login->is_on_local_storage);
  CHECK(read->login->access_token_hash == "access");
  CHECK(read->login->request_hash == "request");
  CHECK(read->login->expires_at == sent.login->expires_at);
  CHECK(read->login->login_expires_at == sent.login->login_expires_at);
  CHECK_FALSE(read->login->can_be_refreshed);
  REQUIRE(read->login->files.size() == 1);
  CHECK(read->login->files.front().first == "token");
  CHECK(read->login->files.front().second == sent.login->files.front().second);
}

TEST_CASE("a report of another version is refused, as is any other text") {
  for (const char* text : {"", "{", "[]", "7", "{}", R"({"version":1,"refreshed":true})"})
    CHECK_FALSE(parse_report(text));
}
