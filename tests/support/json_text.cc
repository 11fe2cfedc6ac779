// SPDX-License-Identifier: Apache-2.0
#include "support/json_text.h"

#include "base/json.h"

namespace oci_oauth::test {

std::string json_quote(std::string_view text) {
  return json_quoted(text);
}

std::string json_object(const JsonMembers& members) {
  std::string text = "{";
  for (const auto& [name, value] : members) {
    if (text.size() > 1) text += ',';
    text += json_quote(name) + ':' + value;
  }
  return text + '}';
}

std::optional<JsonMembers> parse_json_object(std::string_view text) {
  const Result<JsonDocument> document = parse_json(text, "request");
  if (!document || !(*document).IsObject()) return std::nullopt;
  JsonMembers members;
  for (const auto& member : (*document).GetObject()) {
    members.emplace(json_text(member.name), write_json(member.value).reveal());
  }
  return members;
}

std::string json_plain(const std::string& json) {
  const Result<JsonDocument> document = parse_json(json, "value");
  return document && (*document).IsString() ? std::string(json_text(*document)) : json;
}

}  // namespace oci_oauth::test
