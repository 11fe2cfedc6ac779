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
