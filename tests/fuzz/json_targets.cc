// SPDX-License-Identifier: Apache-2.0
// The reader and the editor of JSON against another parser, RapidJSON's, and against each other.
#include <rapidjson/document.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/json_edit.h"
#include "fuzz/targets.h"
#include "oci/spec_edit.h"

namespace oci_oauth::fuzz {

namespace {

bool mentions(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

// What RapidJSON says; nullopt where it stops at a number that it thinks is too large.
std::optional<bool> other_parser_takes(std::string_view text) {
  constexpr unsigned flags = rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag |
                             rapidjson::kParseNumbersAsStringsFlag;
  rapidjson::MemoryStream bytes(text.data(), text.size());
  rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(bytes);
  rapidjson::Reader reader;
  rapidjson::BaseReaderHandler<> nothing;
  const auto result = reader.Parse<flags>(stream, nothing);
  if (result.Code() == rapidjson::kParseErrorNumberTooBig) return std::nullopt;
  return !result.IsError();
}

void check_parse(std::string_view input, const Result<JsonDocument>& document) {
  if (mentions(input, std::string_view("\0", 1))) return expect(!document);  // RapidJSON's end of a text
  const auto is_taken = other_parser_takes(input);
  if (!is_taken) return;
  if (document) return expect(*is_taken);
  const std::string& why = document.error().message;
  const bool is_rule_of_ours =
      mentions(why, "nested deeper") || mentions(why, "duplicate key") || mentions(why, "too large");
  expect(is_rule_of_ours || !*is_taken);
}

// Passing over a text that was taken ends where reading it does.
void check_skip(std::string_view input) {
  JsonReader json(input);
  json.skip();
  expect(json.finish("").has_value());
}

Result<Secret> removed(std::string_view input, const JsonPath& path) {
  return edit_json(input, "", [&](JsonValue& document) { remove_json_at(document, path); });
}

void check_edits(std::string_view input, const JsonDocument& document) {
  const JsonValue value = to_json("\xc3\xa9\"new\"\n");
  for (const auto& member : document.GetObject()) {
    const JsonPath path = {std::string(json_text(member.name))};
    const auto changed = set_json_value(input, "", path, value);
    expect(changed && *json_member(*parse_json(changed->reveal(), ""), path[0]) == value);
    const auto rest = removed(input, path);
    expect(rest && json_member(*parse_json(rest->reveal(), ""), path[0]) == nullptr);
    const auto below = set_json_value(input, "", {path[0], "below"}, value);
    expect(below.has_value() == member.value.IsObject());
  }
  const auto added = set_json_value(input, "", {"new", "below"}, value);
  const JsonValue* there = json_member(document, "new");
  expect(added.has_value() == (there == nullptr || there->IsObject()));
  if (added) expect(revert_json(std::string(added->reveal()), "", input, added->reveal()).has_value());
}

void check_spec_edit(std::string_view input) {
  const SpecEdit edit = {.create_runtime = R"({"path":"/x/ours"})",
                         .poststop = R"({"path":"/x/ours"})",
                         .hook_name = "ours",
                         .environment = {"A=1"}};
  const auto once = edit_spec(input, "", edit);
  if (!once) return;
  expect(parse_json(*once, "").has_value());
  const auto twice = edit_spec(*once, "", edit);
  expect(twice && *twice == *once);
}

}  // namespace

void fuzz_json(std::string_view input) {
  const auto document = parse_json(input, "");
  check_parse(input, document);
  const auto commented = parse_json(input, "", JsonRules::comments);
  const auto lenient = parse_json_leniently(input);
  if (document) {
    check_skip(input);
    expect(commented && *commented == *document && lenient.has_value());
    const Secret written = write_json(*document, JsonStyle::indented);
    const auto again = parse_json(written.reveal(), "");
    expect(again && *again == *document);
    if (document->IsObject()) {
      check_edits(input, *document);
      check_spec_edit(input);
    }
  } else if (commented && commented->IsObject()) {
    // With comments an edit may be refused: what is made is verified.
    (void)set_json_value(input, "", {"new"}, JsonValue());
    for (const auto& member : commented->GetObject())
      (void)removed(input, {std::string(json_text(member.name))});
  }
}

}  // namespace oci_oauth::fuzz
