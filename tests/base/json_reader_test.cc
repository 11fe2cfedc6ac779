// SPDX-License-Identifier: Apache-2.0
#include "base/json_reader.h"

#include "support/catch.h"

using namespace oci_oauth;

namespace {

// What a string with these bytes between its quotes is read as; "failed" if it is not one.
std::string as_string(const std::string& inside) {
  const std::string text = '"' + inside + '"';
  JsonReader json(text);
  std::string value(json.string());
  return json.has_failed() ? "failed" : value;
}

// How much of it is skipped; 0 if it has no end.
size_t as_skipped(const std::string& inside) {
  const std::string text = '"' + inside + '"';
  JsonReader json(text);
  json.skip();
  return json.has_failed() ? 0 : json.offset();
}

}  // namespace

TEST_CASE("every byte means the same at every place of a string of any length") {
  std::string wrong;
  for (size_t size = 1; size <= 20; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string inside(size, 'a');
        inside[at] = static_cast<char>(byte);
        const bool is_refused = byte < 0x20 || byte >= 0x80 || byte == '\\';
        const std::string expected = is_refused ? "failed" : byte == '"' ? inside.substr(0, at) : inside;
        const size_t end = byte == '"' ? at + 2 : byte == '\\' && at + 1 == size ? 0 : size + 2;
        if (as_string(inside) != expected || as_skipped(inside) != end) wrong = inside;
      }
    }
  }
  CHECK(wrong.empty());
}

TEST_CASE("white space is passed before, between and after values, and a slash only where comments may be") {
  const auto keys = [](std::string_view text, JsonRules rules) {
    JsonReader json(text, rules);
    std::string all;
    for (json.enter(JsonKind::object); const auto key = json.next_key(); json.skip()) all += *key;
    return json.finish("f") ? all : "failed";
  };
  CHECK(keys(" \t\r\n{ \"a\" :\n1 ,\t\"b\": [ ] } ", JsonRules::strict) == "ab");
  CHECK(keys("{\"a\" /* b */ : 1}", JsonRules::strict) == "failed");
  CHECK(keys("{\"a\" /* b */ : 1}", JsonRules::comments) == "a");
}
