// SPDX-License-Identifier: Apache-2.0
#include "setup/toml.h"

#include "base/json.h"
#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("the strings of an array are found, and none in what is not one") {
  const auto toml = parse_toml("version = 2\n[plugins.\"a.b\"]\ndirs = [\"/x\", 1, \"/y\"]\n", "f");
  REQUIRE(toml);
  CHECK(strings_in((*toml)["plugins"]["a.b"]["dirs"]) == std::vector<std::string>{"/x", "/y"});
  CHECK(strings_in((*toml)["plugins"]["a"]["b"]).empty());
  CHECK(strings_in((*toml)["version"]).empty());
}

TEST_CASE("text that is not TOML is reported with its place") {
  const auto toml = parse_toml("a = 1\nb = \n", "f");
  REQUIRE_FALSE(toml);
  CHECK(toml.error().message.starts_with("f:2:"));
  CHECK(toml.error().message.find("not TOML: ") != std::string::npos);
}

TEST_CASE("deep nesting is refused, not recursed into") {
  CHECK_FALSE(parse_toml("a = " + std::string(100'000, '['), "f"));
}

TEST_CASE("a block is added at the end, and its removal gives back every byte") {
  for (const std::string text : {"", "version = 2\n", "# only this\r\n", "[a]\nb = 1\n\n"}) {
    const auto with = add_toml_block(text, "f", "[c]\nd = 2\n");
    REQUIRE(with);
    CHECK(with->starts_with(text));
    CHECK((*parse_toml(*with, "f"))["c"]["d"].value<int>() == 2);
    CHECK(remove_toml_block(*with) == text);
  }
}

TEST_CASE("a block that does not go with the text is refused") {
  CHECK_FALSE(add_toml_block("[c]\nd = 1\n", "f", "[c]\nd = 2\n"));
  CHECK_FALSE(add_toml_block("c = {}\n", "f", "[c.d]\n"));
  CHECK_FALSE(add_toml_block("c = ", "f", "[d]\n"));
}

TEST_CASE("what follows a block stays when it is removed") {
  const auto with = add_toml_block("a = 1\n", "f", "[c]\n");
  REQUIRE(with);
  CHECK(remove_toml_block(*with + "[later]\n") == "a = 1\n[later]\n");
  CHECK(remove_toml_block("# begin oci-oauth\n") == "# begin oci-oauth\n");
}

TEST_CASE("a text in JSON's quotes reads back as it was") {
  for (const std::string text : {"/plain", "with \"quotes\" and \\", "tab\t"}) {
    CHECK((*parse_toml("a = " + json_quoted(text) + "\n", "f"))["a"].value<std::string>() == text);
  }
}
