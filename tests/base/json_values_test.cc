// SPDX-License-Identifier: Apache-2.0
#include "base/json_values.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("values at pointers are replaced, whatever they are, and nothing else") {
  const auto replaced = [](std::string_view text, const std::string& pointer, const std::string& other) {
    std::vector<std::pair<std::string, Secret>> values;
    values.emplace_back("/first", Secret(std::string_view("0")));
    values.emplace_back(pointer, Secret(std::string_view(other)));
    const auto result = replace_json_values(text, values);
    return result ? std::string(result->reveal()) : "nowhere";
  };
  CHECK(replaced(R"({"a": [ {}, [1, {"b~/" : "x"}] ], "first" :true})", "/a/1/1/b~0~1", "[]") ==
        R"({"a": [ {}, [1, {"b~/" : []}] ], "first" :0})");
  CHECK(replaced(R"({"first":[[], {"first":1}], "a": {"b": [2, null]}})", "/a", "1") ==
        R"({"first":0, "a": 1})");
  CHECK(replaced(R"({"first": -1.5e3 ,"a":[0,"\"]"]})", "/a/1", "2") == R"({"first": 0 ,"a":[0,2]})");
  CHECK(replaced(R"({"first": 1})", "/a", "2") == "nowhere");
  CHECK(replaced(R"({"first": {"a": 1}})", "/first/a", "2") == "nowhere");
}

TEST_CASE("a value is put in front of the others of its object, in their layout") {
  const auto with = [](std::string_view text, std::string_view pointer) {
    const auto result = insert_json_value(text, pointer, "1");
    return result ? std::string(result->reveal()) : "nowhere";
  };
  CHECK(with(R"({"a":2})", "/b") == R"({"b":1,"a":2})");
  CHECK(with(R"({ "a": 2 })", "/b") == R"({ "b": 1, "a": 2 })");
  CHECK(with("{\r\n\t\"a\" : 2\r\n}\r\n", "/b") == "{\r\n\t\"b\": 1,\r\n\t\"a\" : 2\r\n}\r\n");
  CHECK(with(R"({"a":[0,{}]})", "/a/1/b~1c~0") == R"({"a":[0,{"b/c~":1}]})");
  CHECK(with("\xef\xbb\xbf{ }", "/b") == "\xef\xbb\xbf{\"b\":1}");
  for (const char* nowhere : {"", "/a", "/a/b", "/c/b"}) CHECK(with(R"({"a":2})", nowhere) == "nowhere");
}
