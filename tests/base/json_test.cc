// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include "support/catch.h"

using namespace oci_oauth;

namespace {

std::string reason(std::string_view text, JsonComments comments = JsonComments::refused) {
  const auto parsed = parse_json(text, "f", comments);
  return parsed ? "" : parsed.error().message;
}

}  // namespace

TEST_CASE("an error names the line and the column") {
  CHECK(reason("{\n  \"a\": x}") == "f:2:8: not JSON: invalid value");
}

TEST_CASE("an empty text is not JSON") {
  CHECK(reason("") == "f: is empty");
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
    JsonDocument copy;
    copy.SetObject();
    json_set(copy, copy, "copied", json_copy(copy, "\xed\xb3\x8c"));
    CHECK(parse_json(write_json(copy).reveal(), "f"));
  }
  CHECK(reason(R"(["\ud800"])") == "f:1:3: not JSON: the surrogate pair in string is invalid");
}

TEST_CASE("a repeated key is an error at every level") {
  CHECK(reason(R"({"a": [{"b": 1, "b": 2}]})") == "f: key 'b' stands twice in one object");
}

TEST_CASE("comments are accepted only where they are allowed") {
  CHECK(reason("// c\n{}", JsonComments::allowed).empty());
  CHECK_FALSE(reason("// c\n{}").empty());
}

TEST_CASE("a member that is set keeps its place, and order survives writing") {
  auto json = parse_json(R"({"z":1,"a":{"k":[1,2.5,null]},"m":"x"})", "f");
  REQUIRE(json);
  json_set(*json, *json, "a", JsonValue(7));
  CHECK(write_json(*json).reveal() == R"({"z":1,"a":7,"m":"x"})");
}
