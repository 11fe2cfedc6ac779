// SPDX-License-Identifier: Apache-2.0
#include "oci/spec_edit.h"

#include "base/json.h"
#include "support/catch.h"

using namespace oci_oauth;

namespace {

const SpecEdit both = {.create_runtime = R"({"path":"/x/our-hook"})",
                       .poststop = R"({"path":"/x/our-hook","args":[]})",
                       .hook_name = "our-hook",
                       .environment = {"HOME_OF_TOKENS=/run/\"t\""}};

std::string edited(const std::string& text, const SpecEdit& edit = both) {
  const auto result = edit_spec(text, "config.json", edit);
  return result ? *result : result.error().message;
}

constexpr const char* hooks =
    R"("hooks":{"createRuntime":[{"path":"/x/our-hook"}],"poststop":[{"path":"/x/our-hook","args":[]}]})";

SpecEdit only_environment(std::vector<std::string> environment) {
  SpecEdit edit;
  edit.environment = std::move(environment);
  return edit;
}

}  // namespace

TEST_CASE("hooks and environment are added where there are none") {
  CHECK(edited("{}") == "{" + std::string(hooks) + "}");
  CHECK(edited(R"({"process":{}})") ==
        R"({"process":{"env":["HOME_OF_TOKENS=/run/\"t\""]},)" + std::string(hooks) + "}");
  CHECK(edited(R"( { "process" : { "env" : [ ] } } )") ==
        R"( { "process" : { "env" : [ "HOME_OF_TOKENS=/run/\"t\""] } ,)" + std::string(hooks) + "} ");
}

TEST_CASE("null counts as absent") {
  CHECK(edited(R"({"hooks":null,"a":1})") == "{" + std::string(hooks) + R"(,"a":1})");
  CHECK(edited(R"({"hooks":{"createRuntime":null,"poststop":null}})") == "{" + std::string(hooks) + "}");
  CHECK(edited(R"({"process":{"env":null}})", only_environment({"A=1"})) == R"({"process":{"env":["A=1"]}})");
}

TEST_CASE("what is added follows what is there") {
  CHECK(edited(R"({"hooks":{"poststop":[{"path":"/p"}],"createRuntime":[{"path":"/c"}]}})") ==
        R"({"hooks":{"poststop":[{"path":"/p"},{"path":"/x/our-hook","args":[]}],)"
        R"("createRuntime":[{"path":"/c"},{"path":"/x/our-hook"}]}})");
  CHECK(edited(R"({"process":{"env":["A=1"],"cwd":"/"}})", only_environment({"B=2", "C=3"})) ==
        R"({"process":{"env":["A=1","B=2","C=3"],"cwd":"/"}})");
}

TEST_CASE("a second edit changes nothing") {
  const std::string once = edited(R"({"process":{"env":["A=1"]},"linux":{}})");
  CHECK(edited(once) == once);
}

TEST_CASE("our hook is known by its name, in the deprecated stage too") {
  CHECK(edited(
            R"({"hooks":{"createRuntime":[{"path":"/other/our-hook"}],"poststop":[{"path":"our-hook"}]}})") ==
        R"({"hooks":{"createRuntime":[{"path":"/other/our-hook"}],"poststop":[{"path":"our-hook"}]}})");
  CHECK(edited(R"({"hooks":{"prestart":[{"path":"/x/our-hook"}],"poststop":[{"path":"/x/our-hook"}]}})") ==
        R"({"hooks":{"prestart":[{"path":"/x/our-hook"}],"poststop":[{"path":"/x/our-hook"}]}})");
  // Not ours: another name, another member, another stage.
  const std::string others =
      R"({"hooks":{"poststart":[{"path":"/x/our-hook"}],"createRuntime":[{"path":"/x/not-our-hook","args":["/our-hook"]}]}})";
  CHECK(edited(others) != others);
}

TEST_CASE("a variable that is set stays as it is, empty or not") {
  for (const char* text : {R"({"process":{"env":["A=mine"]}})", R"({"process":{"env":["A="]}})",
                           R"({"process":{"env":["B=1","A"]}})"}) {
    CHECK(edited(text, only_environment({"A=ours"})) == text);
  }
  CHECK(edited(R"({"process":{"env":["AA=1"]}})", only_environment({"A=ours"})) ==
        R"({"process":{"env":["AA=1","A=ours"]}})");
}

TEST_CASE("without a process there is no environment") {
  CHECK(edited("{}", only_environment({"A=1"})) == "{}");
  CHECK(edited(R"({"process":null})", only_environment({"A=1"})) == R"({"process":null})");
}

TEST_CASE("members of the same names elsewhere are left alone") {
  const std::string text =
      R"({"linux":{"hooks":{"createRuntime":[]},"env":[]},"process":{"user":{"env":["A=1"]},"env":[]}})";
  CHECK(
      edited(text, only_environment({"A=2"})) ==
      R"({"linux":{"hooks":{"createRuntime":[]},"env":[]},"process":{"user":{"env":["A=1"]},"env":["A=2"]}})");
}

TEST_CASE("a member without a name is like any other") {
  CHECK(edited(R"({"":{"process":{}}})", only_environment({"A=1"})) == R"({"":{"process":{}}})");
}

TEST_CASE("every other byte stays: big numbers, order, escapes, white space") {
  const std::string before =
      "{\n\t\"z\": 18446744073709551615, \"y\" : -9223372036854775808,\r\n"
      "\"d\":[0.10,1E300,1e-7,0.1000000000000000055511151231257827],\"u\":\"\\u00e9\\/\", \"process\": ";
  const std::string after = ",\"a\":123456789012345678901234567890}\n\n";
  CHECK(edited(before + "{}" + after, only_environment({"A=1"})) == before + R"({"env":["A=1"]})" + after);
}

TEST_CASE("what is added is JSON whatever is in it") {
  const std::string text =
      edited(R"({"process":{"env":["A=1"]}})", only_environment({"B=\"\\\n\x01\xC3\xA9"}));
  const auto json = parse_json(text, "");
  REQUIRE(json);
  CHECK(json_text(*json_at(*json, "/process/env/1")) == "B=\"\\\n\x01\xC3\xA9");
}

TEST_CASE("a config.json that cannot be edited is refused with its place") {
  const auto refused = [](const std::string& text, std::string_view reason) {
    CAPTURE(text);
    const auto result = edit_spec(text, "config.json", both);
    REQUIRE_FALSE(result);
    CHECK(result.error().message.starts_with("config.json:1:"));
    CHECK(result.error().message.find(reason) != std::string::npos);
  };
  refused("", "not JSON");
  refused("{", "not JSON");
  refused(R"({"hooks":{}} x)", "not JSON");
  refused("[]", "is not an object");
  refused("7", "is not an object");
  refused(R"({"hooks":[]})", "/hooks: is not an object");
  refused(R"({"hooks":"x"})", "/hooks: is not an object");
  refused(R"({"hooks":{"createRuntime":{}}})", "/hooks/createRuntime: is not an array");
  refused(R"({"process":{"env":{}}})", "/process/env: is not an array");
  refused(R"({"process":7})", "/process: is not an object");
  refused(R"({"process":{},"process":{}})", "duplicate key 'process'");
  refused(R"({"hooks":null,"hooks":{}})", "duplicate key 'hooks'");
  refused(R"({"process":{"env":[],"env":[]}})", "/process: duplicate key 'env'");
  refused(std::string(100'000, '['), "is not an object");
  refused(R"({"a":)" + std::string(100'000, '['), "nested deeper");
}

TEST_CASE("a process alone gets its environment") {
  const auto process = [](const std::string& text) { return *edit_process(text, "process", {"A=1"}); };
  CHECK(process(R"({"args":["sh"],"env":["B=2"]})") == R"({"args":["sh"],"env":["B=2","A=1"]})");
  CHECK(process(R"({"args":["sh"]})") == R"({"args":["sh"],"env":["A=1"]})");
  CHECK(process(R"({"env":["A=2"]})") == R"({"env":["A=2"]})");
  CHECK_FALSE(edit_process("[]", "process", {"A=1"}));
}
