// SPDX-License-Identifier: Apache-2.0
#include "setup/toml.h"

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("a value is found by its path, and only as what it is") {
  const auto toml =
      Toml::parse("version = 2\n[plugins.\"a.b\"]\ndirs = [\"/x\", \"/y\"]\nname = \"n\"\n", "f");
  REQUIRE(toml);
  CHECK(toml->integer({"version"}) == 2);
  CHECK(toml->string({"plugins", "a.b", "name"}) == "n");
  CHECK(toml->list({"plugins", "a.b", "dirs"})->strings == std::vector<std::string>{"/x", "/y"});
  CHECK(toml->has({"plugins", "a.b"}));
  CHECK_FALSE(toml->has({"plugins", "a", "b"}));
  CHECK_FALSE(toml->string({"version"}));
  CHECK_FALSE(toml->list({"version", "deeper"}));
}

TEST_CASE("text that is not TOML is reported with its place") {
  const auto toml = Toml::parse("a = 1\nb = \n", "f");
  REQUIRE_FALSE(toml);
  CHECK(toml.error().message.starts_with("f:2:"));
  CHECK(toml.error().message.find("not TOML: ") != std::string::npos);
}

TEST_CASE("deep nesting is refused, not recursed into") {
  CHECK_FALSE(Toml::parse("a = " + std::string(100'000, '['), "f"));
}

TEST_CASE("a block is added at the end, and its removal gives back every byte") {
  for (const std::string text : {"", "version = 2\n", "# only this\r\n", "[a]\nb = 1\n\n"}) {
    const auto with = add_toml_block(text, "f", "[c]\nd = 2\n");
    REQUIRE(with);
    CHECK(with->starts_with(text));
    CHECK(Toml::parse(*with, "f")->integer({"c", "d"}) == 2);
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

TEST_CASE("a quoted text reads back as it was") {
  for (const std::string text : {"/plain", "with \"quotes\" and \\", "tab\t"}) {
    CHECK(Toml::parse("a = " + toml_quoted(text) + "\n", "f")->string({"a"}) == text);
  }
}
