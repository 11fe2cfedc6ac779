// SPDX-License-Identifier: Apache-2.0
#include "exchange/document_time.h"

#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

constexpr Time that_noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 25) + 12h;

std::optional<Time> time_in(std::string_view json, TimeUnit unit = TimeUnit::milliseconds) {
  const auto value = parse_json(json, "f");
  REQUIRE(value);
  return read_document_time(&*value, unit);
}

std::string rewritten(std::string_view json, TimeUnit unit = TimeUnit::milliseconds) {
  const auto value = parse_json(json, "f");
  REQUIRE(value);
  return std::string(write_json(document_time(that_noon + 345ms, &*value, unit)).reveal());
}

// {"alg":"none"} and these claims, unsigned.
std::string jwt_with(std::string_view claims) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text = "eyJhbGciOiJub25lIn0.";
  unsigned bits = 0, count = 0;
  for (const char c : claims) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6;) text += alphabet[bits >> (count -= 6) & 63];
  }
  if (count > 0) text += alphabet[bits << (6 - count) & 63];
  return text + ".";
}

}  // namespace

TEST_CASE("a time is a number of its unit, in a string as well") {
  CHECK(time_in("1795608000000") == that_noon);
  CHECK(time_in("1795608000", TimeUnit::seconds) == that_noon);
  CHECK(time_in("\"1795608000\"", TimeUnit::seconds) == that_noon);
  for (const char* other : {"0", "-1", "null", "true", "[]", "\"\"", "\"soon\"", "\"1e400\""})
    CHECK_FALSE(time_in(other));
}

TEST_CASE("a time is RFC 3339 text, whatever its unit") {
  CHECK(time_in("\"2026-11-25T12:00:00Z\"") == that_noon);
  CHECK(time_in("\"2026-11-25t12:00:00.123456789z\"") == that_noon + 123ms);
  CHECK(time_in("\"2026-11-25 14:30:00.5+02:30\"", TimeUnit::seconds) == that_noon + 500ms);
  CHECK(time_in("\"2026-11-24T23:00:00-13:00\"") == that_noon);
  for (const char* other :
       {"\"2026-11-25\"", "\"2026-11-25T12:00:00\"", "\"2026-11-25T12:00:00.Z\"", "\"2026-13-25T12:00:00Z\"",
        "\"2026-11-31T12:00:00Z\"", "\"2026-11-25T24:00:00Z\"", "\"2026-11-25T12:00:00+2:00\"",
        "\"2026-11-25T12:00:00Z \"", "\"1970-01-01T00:00:00Z\""})
    CHECK_FALSE(time_in(other));
}

TEST_CASE("a time is written in the form that is there") {
  CHECK(rewritten("1") == "1795608000345");
  CHECK(rewritten("1", TimeUnit::seconds) == "1795608000");
  CHECK(rewritten("\"1\"", TimeUnit::seconds) == "\"1795608000\"");
  CHECK(rewritten("\"2020-01-01T00:00:00Z\"") == "\"2026-11-25T12:00:00Z\"");
  CHECK(rewritten("\"2020-01-01T00:00:00.123456789Z\"") == "\"2026-11-25T12:00:00.345000000Z\"");
  CHECK(rewritten("\"2020-01-01 00:00:00.1+05:45\"") == "\"2026-11-25 17:45:00.3+05:45\"");
  CHECK(rewritten("\"2020-01-01T00:00:00-13:00\"") == "\"2026-11-24T23:00:00-13:00\"");
}

TEST_CASE("a time that was not there is written as the provider says") {
  const JsonValue text = document_time(that_noon, nullptr, TimeUnit::rfc3339);
  CHECK(write_json(text).reveal() == "\"2026-11-25T12:00:00Z\"");
  CHECK(rewritten("null", TimeUnit::rfc3339) == "\"2026-11-25T12:00:00Z\"");
  CHECK(rewritten("\"\"", TimeUnit::rfc3339) == "\"2026-11-25T12:00:00Z\"");
  CHECK(document_time(that_noon, nullptr, TimeUnit::seconds).GetInt64() == 1795608000);
}

TEST_CASE("a JSON Web Token says when it expires") {
  CHECK(jwt_expiry(jwt_with(R"({"sub":"a","exp":1795608000})")) == that_noon);
  CHECK(jwt_expiry(jwt_with(R"({"exp":1795608000.5})")) == that_noon + 500ms);
}

TEST_CASE("a token that is not a JSON Web Token says nothing of its expiry") {
  for (const std::string& token :
       {std::string(), std::string("opaque"), std::string("a.b"), std::string("a.b.c"), std::string("a..c"),
        std::string("..."), std::string("a.eyJleHAiOjE3OTU2MDgwMDB9.c.d"), jwt_with("{}"),
        jwt_with(R"({"exp":"1795608000"})"), jwt_with(R"({"exp":null})"), jwt_with(R"([1795608000])"),
        jwt_with(R"({"exp":0})"), jwt_with(R"({"exp":1795608000)")})
    CHECK_FALSE(jwt_expiry(token));
}
