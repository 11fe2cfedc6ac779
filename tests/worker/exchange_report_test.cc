// SPDX-License-Identifier: Apache-2.0
#include "worker/exchange_report.h"

#include "support/catch.h"
#include "support/record_equal.h"

using namespace oci_oauth;

TEST_CASE("a report survives the way between two processes") {
  ExchangeReport sent;
  sent.refreshed = true;
  sent.notices = {"a notice"};
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
  sent.login->files.push_back({"token", Secret(std::string_view("sk-\"quoted\""))});

  const auto read = read_record<ExchangeReport>(write_record(sent).reveal(), "report");
  REQUIRE(read);
  CHECK(*read == sent);
}

TEST_CASE("a report of another version is refused, as is any other text") {
  for (const char* text : {"", "{", "[]", "7", "{}", R"({"version":1,"refreshed":true})"})
    CHECK_FALSE(read_record<ExchangeReport>(text, "report"));
}
