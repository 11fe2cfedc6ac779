// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <fmt/format.h>

#include "support/catch.h"

using namespace oci_oauth;

namespace {

std::string reason(std::string_view text, JsonRules rules = JsonRules::strict) {
  const auto parsed = parse_json(text, "f", rules);
  return parsed ? "" : parsed.error().message;
}

}  // namespace

TEST_CASE("an error names the line and the column") {
  CHECK(reason("{\n  \"a\": x}") == "f:2:8: not JSON: invalid value");
}

TEST_CASE("an empty text is not JSON") {
  CHECK(reason("") == "f: is empty");
}

TEST_CASE("what follows a NUL is not taken for the end") {
  using namespace std::string_view_literals;
  const std::string_view singular = "not JSON: something follows the value";
  CHECK(reason("{}\0"sv) == fmt::format("f:1:3: {}", singular));
  CHECK(reason("{} \0{\"refreshToken\": \"x\"}"sv) == fmt::format("f:1:4: {}", singular));
  CHECK(reason("{\"profiles\": {}}\n\0 garbage"sv, JsonRules::comments) ==
        fmt::format("f:2:1: {}", singular));
  CHECK(reason("// a comment\0 that has no end\n{}"sv, JsonRules::comments).starts_with("f:1:13: not JSON"));
  CHECK_FALSE(reason("[1\0, 2]"sv).empty());
}

TEST_CASE("a hundred thousand nested arrays are refused, not recursed into") {
  CHECK(reason(std::string(100'000, '[')).find("nested deeper than 64 levels") != std::string::npos);
}

TEST_CASE("a number that could not be written again is refused") {
  for (const std::string number : {"2E308", "-2E308", "1E309", "18446744073709551616E289"}) {
    INFO(number);
    CHECK(reason("[" + number + "]").starts_with("f:1:"));
  }
  CHECK(reason("[1.7E308, -1.7E308, 1E-400]") == "");
}

TEST_CASE("half of a surrogate pair can be written, and read again") {
  for (const std::string half : {"\\udccc", "\\uDFFF", "\\udc00\\udc00"}) {
    const auto document =
        parse_json(R"({"k)" + half + R"(": "\ud83d\ude00 )" + half + "\xed\x9f\xbf\"}", "f");
    REQUIRE(document);
    const auto again = parse_json(write_json(*document).reveal(), "f");
    REQUIRE(again);
    CHECK(*again == *document);
    JsonValue copy = json_object();
    json_set(copy, "copied", "\xed\xb3\x8c");
    CHECK(parse_json(write_json(copy).reveal(), "f"));
  }
  CHECK(reason(R"(["\ud800"])") == "f:1:3: not JSON: an invalid escape in a string");
}

TEST_CASE("a repeated key is an error at every level") {
  CHECK(reason(R"({"a": [{"b": 1, "b": 2}]})") == "f:1:24: duplicate key 'b'");
}

TEST_CASE("comments are accepted only where they are allowed") {
  CHECK(reason("// c\n{}", JsonRules::comments).empty());
  CHECK_FALSE(reason("// c\n{}").empty());
}

TEST_CASE("a member that is set keeps its place, and order survives writing") {
  auto json = parse_json(R"({"z":1,"a":{"k":[1,2.5,null]},"m":"x"})", "f");
  REQUIRE(json);
  json_set(*json, "a", 7);
  CHECK(write_json(*json).reveal() == R"({"z":1,"a":7,"m":"x"})");
}

TEST_CASE(
    "read leniently: depth, repeated keys, bytes that are not UTF-8 and numbers of any size are no "
    "obstacle") {
  const std::string deep(10'000, '[');
  CHECK(parse_json_leniently(R"({"a":)" + deep + std::string(10'000, ']') + "}"));
  const auto twice = parse_json_leniently(R"({"a":1,"a":2})");
  REQUIRE(twice);
  CHECK(twice->MemberCount() == 2);
  CHECK(parse_json_leniently("\xef\xbb\xbf{\"a\":\"M\xfcller\"}"));
  const auto numbers = parse_json_leniently("[3600, -1.5, 1e999, -1E9999 , 1e-999]");
  REQUIRE(numbers);
  const double expected[] = {3600, -1.5, 9e307, -9e307, 0};
  for (unsigned i = 0; i < 5; ++i) CHECK((*numbers)[i].GetDouble() == expected[i]);
}

TEST_CASE("the lenient reader ignores text after the value, and rejects half of a value") {
  CHECK(parse_json_leniently("{} <!-- a proxy's remark -->"));
  CHECK(parse_json_leniently(std::string("{}\0\0", 4)));
  for (const char* half : {"", "{", R"({"a":"b)", R"({"a":1)", "<html>"}) {
    CAPTURE(half);
    CHECK_FALSE(parse_json_leniently(half));
  }
}
