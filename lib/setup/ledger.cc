// SPDX-License-Identifier: Apache-2.0
#include "setup/ledger.h"

#include <algorithm>

#include "base/json_object.h"

namespace oci_oauth {

namespace {

constexpr int ledger_version = 1;

constexpr std::pair<Share, std::string_view> share_names[] = {
    {Share::whole, "whole"}, {Share::json_members, "json members"}, {Share::toml_block, "toml block"}};

Result<void> read_share(std::string_view text, Share& target) {
  for (const auto& [share, name] : share_names) {
    if (text != name) continue;
    target = share;
    return {};
  }
  return Error{ErrorKind::configuration, "is not a known share of a file"};
}

std::string_view name_of(Share share) {
  for (const auto& [candidate, name] : share_names) {
    if (candidate == share) return name;
  }
  return "";
}

void read_engines(JsonObject& object, std::set<std::string>& engines) {
  std::vector<std::string> names;
  object.strings("engines", names);
  engines.insert(names.begin(), names.end());
}

// A text that may be empty, which JsonObject::string() rejects.
void read_text(JsonObject& object, std::string_view key, std::string& target) {
  const JsonValue* value = object.take(key);
  if (value == nullptr || !value->IsString()) return object.fail(key, "is not a string");
  target = json_text(*value);
}

Result<LedgerFile> read_file_entry(const JsonValue& value, const std::string& source,
                                   const std::string& pointer) {
  LedgerFile file;
  JsonObject object(value, source, pointer);
  object.require("path");
  object.string("path", file.path);
  read_engines(object, file.engines);
  object.text("share", [&](std::string_view text) { return read_share(text, file.share); });
  if (json_member(value, "before") != nullptr) read_text(object, "before", file.before.emplace());
  read_text(object, "after", file.after);
  TRY(object.mistake());
  return file;
}

JsonValue file_value(JsonDocument& document, const LedgerFile& file) {
  JsonValue value = json_object();
  json_set(document, value, "path", json_copy(document, file.path));
  json_set(document, value, "engines", to_json(file.engines));
  json_set(document, value, "share", json_copy(document, name_of(file.share)));
  if (file.before) json_set(document, value, "before", json_copy(document, *file.before));
  json_set(document, value, "after", json_copy(document, file.after));
  return value;
}

JsonValue unit_value(JsonDocument& document, const LedgerUnit& unit) {
  JsonValue value = json_object();
  json_set(document, value, "name", json_copy(document, unit.name));
  json_set(document, value, "engines", to_json(unit.engines));
  return value;
}

}  // namespace

const LedgerFile* Ledger::find(std::string_view path) const {
  const auto found =
      std::find_if(files.begin(), files.end(), [&](const LedgerFile& file) { return file.path == path; });
  return found == files.end() ? nullptr : &*found;
}

LedgerFile* Ledger::find(std::string_view path) {
  return const_cast<LedgerFile*>(std::as_const(*this).find(path));
}

Result<Ledger> parse_ledger(std::string_view text, const std::string& source) {
  auto json = TRY(parse_json(text, source));
  Ledger ledger;
  JsonObject object(json, source);
  object.elements("files", [&](const JsonValue& value, const std::string& pointer) {
    auto file = read_file_entry(value, source, pointer);
    if (!file) return Result<void>(std::move(file).error());
    ledger.files.push_back(std::move(*file));
    return Result<void>();
  });
  object.elements("units", [&](const JsonValue& value, const std::string& pointer) {
    LedgerUnit unit;
    JsonObject entry(value, source, pointer);
    entry.string("name", unit.name);
    read_engines(entry, unit.engines);
    ledger.units.push_back(std::move(unit));
    return entry.mistake();
  });
  object.strings("directories", ledger.directories);
  TRY(object.mistake());
  return ledger;
}

std::string format_ledger(const Ledger& ledger) {
  JsonDocument document;
  document.SetObject();
  JsonValue files = json_array(), units = json_array();
  for (const LedgerFile& file : ledger.files) json_append(files, file_value(document, file));
  for (const LedgerUnit& unit : ledger.units) json_append(units, unit_value(document, unit));
  json_set(document, document, "version", JsonValue(ledger_version));
  json_set(document, document, "files", std::move(files));
  json_set(document, document, "units", std::move(units));
  json_set(document, document, "directories", to_json(ledger.directories));
  return std::string(write_json(document, JsonStyle::indented).reveal());
}

}  // namespace oci_oauth
