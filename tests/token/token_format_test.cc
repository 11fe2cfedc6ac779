// SPDX-License-Identifier: Apache-2.0
#include "token/token_format.h"

#include <string>

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("a token is printed as its caller wants it") {
  const Secret token(std::string_view("sk-\"1"));
  const auto text = [&](std::string_view word) {
    const auto format = from_word<OutputFormat>(word);
    REQUIRE(format);
    return std::string(format_token(token, Time(std::chrono::hours(1)), *format).reveal());
  };
  CHECK(text("raw") == "sk-\"1\n");
  CHECK(text("header") == "Authorization: Bearer sk-\"1\n");
  CHECK(text("json") ==
        "{\n  \"access_token\": \"sk-\\\"1\",\n  \"token_type\": \"Bearer\",\n  \"expires_at\": "
        "\"1970-01-01T01:00:00Z\"\n}\n");
}
