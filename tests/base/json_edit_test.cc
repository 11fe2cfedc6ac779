// SPDX-License-Identifier: Apache-2.0
#include "base/json_edit.h"

#include "support/catch.h"

using namespace oci_oauth;

namespace {

const JsonPath runtime = {"runtimes", "oci-oauth"};

std::string set(std::string_view text, const JsonPath& path, std::string_view value) {
  const auto result = set_json_value(text, "f", path, parse_json(value, "").take());
  return result ? std::string(result->reveal()) : result.error().message;
}

std::string removed(std::string_view text, const JsonPath& path) {
  const auto result = edit_json(text, "f", [&](JsonValue& document) { remove_json_at(document, path); });
  return result ? std::string(result->reveal()) : result.error().message;
}

std::string reverted(std::string_view current, std::string_view before, std::string_view after) {
  const auto result = revert_json(current, "f", before, after);
  return result ? *result : result.error().message;
}

}  // namespace

TEST_CASE("a new member goes behind the last one, laid out as its neighbours are") {
  CHECK(
      set("{\n    \"debug\": true\n}\n", runtime, R"({"path": "/x"})") ==
      "{\n    \"debug\": true,\n    \"runtimes\": {\n        \"oci-oauth\": {\n            \"path\": \"/x\"\n"
      "        }\n    }\n}\n");
  CHECK(set("{\n\t\"a\": 1\n}", {"b"}, R"({"c": [1]})") ==
        "{\n\t\"a\": 1,\n\t\"b\": {\n\t\t\"c\": [\n\t\t\t1\n\t\t]\n\t}\n}");
  CHECK(set(R"({"a": 1})", {"b"}, R"({"c":2})") == R"({"a": 1, "b": {"c":2}})");
  CHECK(set("{}", {"b"}, "2") == "{\n  \"b\": 2\n}");
  CHECK(set("{ }\n", {"b"}, "2") == "{\n  \"b\": 2\n}\n");
}

TEST_CASE("comments stay beside what they are about") {
  CHECK(set("{\n  // first\n  \"a\": 1 // one\n  /* the end */\n}\n", {"b"}, "2") ==
        "{\n  // first\n  \"a\": 1, // one\n  /* the end */\n  \"b\": 2\n}\n");
  CHECK(removed("{\n  \"a\": 1, // one\n  \"b\": 2\n}\n", {"b"}) == "{\n  \"a\": 1 // one\n}\n");
  CHECK(set("{ // nothing yet\n}", {"b"}, "2") == "{ // nothing yet\n  \"b\": 2\n}");
}

TEST_CASE("a value is replaced in place") {
  CHECK(set(R"({"a" : /* was */ 1 , "b":2})", {"a"}, "\"x\"") == R"({"a" : /* was */ "x" , "b":2})");
  CHECK(set(R"({"a":{"b":1}})", {"a", "b"}, "2") == R"({"a":{"b":2}})");
}

TEST_CASE("a value at any path is replaced, and nothing else") {
  const auto replaced = [](std::string_view text, std::string_view pointer, std::string_view other) {
    const auto path = parse_json_pointer(pointer);
    const auto value = parse_json(other, "");
    const auto result = set_json_value(text, "f", *path, *value);
    return result ? std::string(result->reveal()) : result.error().message;
  };
  CHECK(replaced(R"({"a": [ {}, [1, {"b~/" : "x"}] ]})", "/a/1/1/b~0~1", "[]") ==
        R"({"a": [ {}, [1, {"b~/" : []}] ]})");
  CHECK(replaced(R"({"first":[[], {"first":1}], "a": {"b": [2, null]}})", "/a", "1") ==
        R"({"first":[[], {"first":1}], "a": 1})");
  CHECK(replaced(R"({"a":[0,"\"]"]})", "/a/1", "2") == R"({"a":[0,2]})");
  CHECK(replaced(R"({"a":[0,{}]})", "/a/1/b~1c~0", "1") == "{\"a\":[0,{\n  \"b/c~\": 1\n}]}");
  CHECK(replaced("\xef\xbb\xbf{\"a\":1}", "/a", "2") == "\xef\xbb\xbf{\"a\":2}");
  CHECK(replaced("{\r\n\t\"a\" : 2\r\n}\r\n", "/b", "1") == "{\r\n\t\"a\" : 2,\r\n\t\"b\": 1\r\n}\r\n");
  CHECK(replaced(R"({"a":2})", "/b", "1") == R"({"a":2,"b":1})");
  CHECK(replaced(R"({"a":2})", "/a/b", "1") == "f: /a: is not an object");
  CHECK(replaced(R"({"a":[2]})", "/a/1", "1") == "f: /a: is not an object");
}

TEST_CASE("setting the same value changes no byte") {
  const std::string text = "{\"a\":{\"b\" : {\"y\":1 ,\"x\":2}}}";
  CHECK(set(text, {"a", "b"}, R"({"x": 2, "y": 1})") == text);
  CHECK(removed(text, {"a", "c"}) == text);
}

TEST_CASE("a member is removed with its comma, wherever it is") {
  const std::string text = "{\n  \"a\": 1,\n  \"b\": {\"c\": [{\"d\": \"}\"}]},\n  \"e\": null\n}";
  CHECK(removed(text, {"a"}) == "{\n  \"b\": {\"c\": [{\"d\": \"}\"}]},\n  \"e\": null\n}");
  CHECK(removed(text, {"b"}) == "{\n  \"a\": 1,\n  \"e\": null\n}");
  CHECK(removed(text, {"e"}) == "{\n  \"a\": 1,\n  \"b\": {\"c\": [{\"d\": \"}\"}]}\n}");
  CHECK(removed(text, {"b", "c"}) == "{\n  \"a\": 1,\n  \"b\": {},\n  \"e\": null\n}");
}

TEST_CASE("setting and reverting gives back every byte") {
  const std::string texts[] = {
      "{\n    \"debug\": true\n}\n",
      "{\"data-root\":\"/srv/docker\"}",
      "{\n\t\"runtimes\": {\n\t\t\"nvidia\": {\n\t\t\t\"path\": \"nvidia-container-runtime\"\n\t\t}\n\t}\n}",
      "{\"runtimes\":{\"nvidia\":{\"path\":\"/n\",\"runtimeArgs\":[]}},\n "
      "\"default-runtime\":\"nvidia\"}\r\n",
      "{\n  \"default-runtime\": \"runc\", // why\n  \"log-opts\": {\"max-size\": \"10m\"} /* \"}\" */\n}",
      "{\n  \"a\": \"\\u007d\\\"{\",\n  \"b\": -1.5e3\n}\n\n",
  };
  for (const std::string& text : texts) {
    INFO(text);
    const std::string once = set(text, runtime, R"({"path": "/x"})");
    const std::string after = set(once, {"default-runtime"}, "\"oci-oauth\"");
    CHECK(after != text);
    CHECK(set(after, runtime, R"({"path": "/x"})") == after);
    CHECK(reverted(after, text, after) == text);
  }
}

TEST_CASE("reverting leaves what somebody changed since") {
  const std::string before = R"({"runtimes": {"nvidia": {"path": "/n"}}, "default-runtime": "nvidia"})";
  const std::string after =
      set(set(before, runtime, R"({"path": "/x"})"), {"default-runtime"}, "\"oci-oauth\"");
  const std::string edited = set(set(after, {"debug"}, "true"), {"default-runtime"}, "\"crun\"");
  CHECK(reverted(edited, before, after) ==
        R"({"runtimes": {"nvidia": {"path": "/n"}}, "default-runtime": "crun", "debug": true})");
  CHECK(reverted(R"({"runtimes": {"oci-oauth": {"path": "/y"}}})", "{}",
                 R"({"runtimes": {"oci-oauth": {"path": "/x"}}})") ==
        R"({"runtimes": {"oci-oauth": {"path": "/y"}}})");
  CHECK(reverted(R"({"a": 1, "runtimes": {"oci-oauth": {"path": "/x"}}})", "{}",
                 R"({"runtimes": {"oci-oauth": {"path": "/x"}}})") == R"({"a": 1})");
}

TEST_CASE("what cannot be edited is refused with the reason") {
  CHECK(set("[]", {"a"}, "1") == "f: is not a JSON object");
  CHECK(set("{\"a\": 1,}", {"a"}, "1") == "f:1:9: not JSON: missing a key");
  CHECK(set(R"({"runtimes": []})", runtime, "{}") == "f: /runtimes: is not an object");
  CHECK(set(R"({"a": 1, "a": 2})", {"b"}, "1") == "f:1:17: duplicate key 'a'");
  CHECK(set("", {"b"}, "1") == "f: is empty");
}
