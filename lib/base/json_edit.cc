// SPDX-License-Identifier: Apache-2.0
#include "base/json_edit.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "base/fmt.h"

namespace oci_oauth {

namespace {

constexpr std::string_view whitespace = " \t\r\n";

struct Member {
  std::string key;
  size_t begin = 0, end = 0;  // of its value
};

// Where an object lies in the text: from after its '{' to its '}'.
struct Object {
  size_t open = 0, close = 0;
  std::vector<Member> members = {};
};

// From an object or array to the value of `step`, which is there.
void descend(JsonReader& json, const std::string& step) {
  if (json.next() == JsonKind::array) {
    json.enter(JsonKind::array);
    for (size_t left = array_index(step).value_or(0); json.next_element() && left > 0; --left) json.skip();
    return;
  }
  json.enter(JsonKind::object);
  for (auto key = json.next_key(); key && *key != step; key = json.next_key()) json.skip();
}

// A reader at the value at `path`, which is there, in a text that parse_json took.
void descend(JsonReader& json, const JsonPath& path) {
  for (const std::string& step : path) descend(json, step);
}

Object find_object(std::string_view text, const JsonPath& path) {
  JsonReader json(text, JsonRules::comments);
  descend(json, path);
  Object object;
  json.enter(JsonKind::object);
  object.open = json.offset();
  while (const auto key = json.next_key()) {
    Member member = {.key = std::string(*key)};
    json.next();
    member.begin = json.offset();
    json.skip();
    member.end = json.offset();
    object.members.push_back(std::move(member));
  }
  object.close = json.offset() - 1;
  return object;
}

// Skips white space and comments.
size_t skip_blanks(std::string_view text, size_t at) {
  while (true) {
    at = std::min(text.find_first_not_of(whitespace, at), text.size());
    if (text.substr(at, 2) == "//") {
      at = std::min(text.find('\n', at), text.size());
    } else if (text.substr(at, 2) == "/*") {
      at = text.find("*/", at + 2) + 2;
    } else {
      return at;
    }
  }
}

// Skips white space backwards, up to `limit`.
size_t trim_back(std::string_view text, size_t at, size_t limit) {
  while (at > limit && whitespace.find(text[at - 1]) != std::string_view::npos) --at;
  return at;
}

std::string_view indentation_at(std::string_view text, size_t at) {
  const size_t line = text.rfind('\n', at == 0 ? 0 : at - 1);
  const size_t begin = line == std::string_view::npos || at == 0 ? 0 : line + 1;
  const size_t end = std::min(text.find_first_not_of(" \t", begin), text.size());
  return text.substr(begin, end - begin);
}

// The layout of an object: each member on its own line, indented by `child`, or all on one line.
struct Layout {
  bool lines;
  std::string parent, child;
  std::string_view gap;  // behind a colon
  std::string newline;
};

Layout layout_of(std::string_view text, const Object& object) {
  const std::string_view inner = text.substr(object.open, object.close - object.open);
  const auto& members = object.members;
  Layout layout = {.lines = members.empty() || inner.find('\n') != std::string_view::npos,
                   .parent = std::string(indentation_at(text, object.open)),
                   .child = "",
                   .gap = members.empty() || text[members[0].begin - 1] != ':' ? " " : "",
                   .newline = text.find("\r\n") == std::string_view::npos ? "\n" : "\r\n"};
  const size_t first = skip_blanks(text, object.open);
  const std::string_view first_line = indentation_at(text, first);
  const bool begins_line = trim_back(text, first, object.open) != first &&
                           first_line.data() + first_line.size() == text.data() + first;
  const std::string unit = layout.parent.starts_with('\t') ? "\t" : "  ";
  layout.child = !members.empty() && begins_line ? std::string(first_line) : layout.parent + unit;
  return layout;
}

// `value`, formatted for a member of an object with that layout.
Secret laid_out(const JsonValue& value, const Layout& layout) {
  if (!layout.lines) return write_json(value);
  const std::string_view unit = layout.child.starts_with(layout.parent)
                                    ? std::string_view(layout.child).substr(layout.parent.size())
                                    : std::string_view("  ");
  std::string result;
  const Secret text = write_json(value, JsonStyle::indented);
  for (std::string_view rest = text.reveal(); !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const size_t spaces = line.find_first_not_of(' ');
    if (!result.empty()) append_secret(result, layout.newline + layout.child);
    for (size_t level = 0; level < spaces / 2; ++level) append_secret(result, unit);
    append_secret(result, line.substr(spaces));
  }
  return Secret(std::move(result));
}

// One copy, so that no secret is left behind where it grew.
Secret joined(std::initializer_list<std::string_view> parts) {
  std::string result;
  size_t size = 0;
  for (const std::string_view part : parts) size += part.size();
  result.reserve(size);
  for (const std::string_view part : parts) result.append(part);
  return Secret(std::move(result));
}

Secret inserted(std::string_view text, const Object& object, std::string_view key, const JsonValue& value) {
  const Layout layout = layout_of(text, object);
  const bool is_empty = object.members.empty();
  const size_t last = is_empty ? object.open : object.members.back().end;
  const size_t at = trim_back(text, object.close, last);  // behind a comment that follows the last member
  const std::string_view tail = text.substr(at, object.close - at);
  const bool closes_line = layout.lines && tail.find('\n') == std::string_view::npos;
  const std::string before = layout.lines ? layout.newline + layout.child : std::string(layout.gap);
  const std::string after = closes_line ? layout.newline + layout.parent : std::string(tail);
  const std::string_view colon = layout.lines || !layout.gap.empty() ? ": " : ":";
  return joined({text.substr(0, last), is_empty ? "" : ",", text.substr(last, at - last), before,
                 json_quoted(key), colon, laid_out(value, layout).reveal(), after,
                 text.substr(object.close)});
}

// The value at `path` becomes what `document` has there.
Secret exchanged(std::string_view text, const JsonDocument& document, JsonPath path) {
  JsonReader json(text, JsonRules::comments);
  descend(json, path);
  json.next();
  const size_t begin = json.offset();
  json.skip();
  const JsonValue& value = *json_at(document, path);
  path.pop_back();
  const bool is_member = json_at(document, path)->IsObject();
  const Secret with =
      is_member ? laid_out(value, layout_of(text, find_object(text, path))) : write_json(value);
  return joined({text.substr(0, begin), with.reveal(), text.substr(json.offset())});
}

Secret removed(std::string_view text, const Object& object, size_t index) {
  const size_t end = object.members[index].end;
  const size_t before = index == 0 ? object.open : object.members[index - 1].end;
  const size_t comma = index == 0 ? before : skip_blanks(text, before);
  const size_t after_comma = index == 0 ? before : comma + 1;
  const size_t key = skip_blanks(text, after_comma);
  if (index + 1 < object.members.size()) {
    const size_t next = skip_blanks(text, end) + 1;  // past the comma
    return joined(
        {text.substr(0, key), text.substr(std::min(text.find_first_not_of(whitespace, next), text.size()))});
  }
  const size_t from = trim_back(text, key, after_comma);
  if (index > 0)
    return joined({text.substr(0, comma), text.substr(after_comma, from - after_comma), text.substr(end)});
  const bool was_alone =
      trim_back(text, from, object.open) == object.open && trim_back(text, object.close, end) == end;
  return joined(
      {text.substr(0, was_alone ? object.open : from), text.substr(was_alone ? object.close : end)});
}

Result<JsonDocument> parse_object(std::string_view text, std::string_view source) {
  auto document = parse_json(text, source, JsonRules::comments);
  if (!document) return document;
  if (!document->IsObject()) return Error{ErrorKind::failed, fmt::format("{}: is not a JSON object", source)};
  return document;
}

JsonPath below(JsonPath path, std::string_view key) {
  path.emplace_back(key);
  return path;
}

// The way to the first value that one of the two lacks, or that differs as a whole; nullopt: they are equal.
std::optional<JsonPath> find_difference(const JsonValue& old, const JsonValue& target, const JsonPath& path) {
  if (old == target) return std::nullopt;
  if (old.IsArray() && target.IsArray() && old.Size() == target.Size()) {
    unsigned index = 0;
    while (old[index] == target[index]) ++index;
    return find_difference(old[index], target[index], below(path, std::to_string(index)));
  }
  if (!old.IsObject() || !target.IsObject()) return path;
  for (const auto& [name, value] : old.GetObject()) {
    const JsonPath here = below(path, json_text(name));
    const JsonValue* wanted = json_member(target, json_text(name));
    if (wanted == nullptr) return here;
    if (auto difference = find_difference(value, *wanted, here)) return difference;
  }
  for (const auto& [name, value] : target.GetObject()) {
    if (json_member(old, json_text(name)) == nullptr) return below(path, json_text(name));
  }
  return std::nullopt;
}

// The text with the value at `path` as `target` has it.
Secret edited_at(std::string_view text, const JsonPath& path, const JsonValue& old, const JsonValue& target) {
  const JsonValue* value = json_at(target, path);
  const bool is_there = json_at(old, path) != nullptr;
  if (value != nullptr && is_there) return exchanged(text, target, path);
  const Object object = find_object(text, JsonPath(path.begin(), path.end() - 1));
  if (value != nullptr) return inserted(text, object, path.back(), *value);
  const auto member = std::ranges::find(object.members, path.back(), &Member::key);
  return removed(text, object, static_cast<size_t>(member - object.members.begin()));
}

// The text of `document` as `target`, edit by edit. One is made only if the edited text says just that.
Result<Secret> edited(std::string_view text, std::string_view source, JsonDocument document,
                      const JsonValue& target) {
  const Error refused = {ErrorKind::failed, fmt::format("{}: its layout cannot be edited", source),
                         "put a line break after each of its comments"};
  Secret result(text);
  while (const auto path = find_difference(document, target, {})) {
    result = edited_at(result.reveal(), *path, document, target);
    if (const JsonValue* value = json_at(target, *path)) {
      json_set_at(document, *path, json_copy(*value));
    } else {
      remove_json_at(document, *path);
    }
    const auto now = parse_object(result.reveal(), source);
    if (!now || *now != document) return refused;
  }
  return result;
}

JsonValue* find_member(JsonValue& object, std::string_view key) {
  return const_cast<JsonValue*>(json_member(object, key));
}

// Removes from `there` what is still as in `ours`. Result: whether all of it can go.
bool take_out(JsonValue& there, const JsonValue& ours) {
  if (there == ours) return true;
  if (!there.IsObject() || !ours.IsObject()) return false;
  for (const auto& [name, value] : ours.GetObject()) {
    JsonValue* member = find_member(there, json_text(name));
    if (member != nullptr && take_out(*member, value)) json_remove(there, json_text(name));
  }
  return there.ObjectEmpty();
}

void revert(JsonValue& there, const JsonValue& before, const JsonValue& after) {
  for (const auto& [name, value] : after.GetObject()) {
    const std::string_view key = json_text(name);
    const JsonValue* old = json_member(before, key);
    JsonValue* member = find_member(there, key);
    if (member == nullptr) continue;
    if (old == nullptr) {
      if (take_out(*member, value)) json_remove(there, key);
    } else if (old->IsObject() && value.IsObject() && member->IsObject()) {
      revert(*member, *old, value);
    } else if (*old != value && *member == value) {
      *member = json_copy(*old);
    }
  }
}

}  // namespace

Result<Secret> edit_json(std::string_view text, std::string_view source,
                         const std::function<void(JsonValue& document)>& edit) {
  auto document = TRY(parse_object(text, source));
  JsonValue target = json_copy(document);
  edit(target);
  return edited(text, source, std::move(document), target);
}

Result<Secret> set_json_value(std::string_view text, std::string_view source, const JsonPath& path,
                              const JsonValue& value) {
  auto document = TRY(parse_object(text, source));
  JsonPath there = path;  // as far as it leads
  while (json_at(document, there) == nullptr) there.pop_back();
  if (there.size() < path.size() && !json_at(document, there)->IsObject())
    return Error{ErrorKind::failed, fmt::format("{}: /{}: is not an object", source, fmt::join(there, "/"))};
  JsonValue target = json_copy(document);
  json_set_at(target, path, json_copy(value));
  return edited(text, source, std::move(document), target);
}

void remove_json_at(JsonValue& document, const JsonPath& path) {
  const JsonPath parent(path.begin(), path.end() - 1);
  const JsonValue* object = json_at(document, parent);
  if (object != nullptr && object->IsObject()) json_remove(const_cast<JsonValue&>(*object), path.back());
}

Result<std::string> revert_json(std::string_view current, std::string_view source, std::string_view before,
                                std::string_view after) {
  const auto old = TRY(parse_object(before, source));
  const auto ours = TRY(parse_object(after, source));
  const auto edit = [&](JsonValue& document) { revert(document, old, ours); };
  return std::string(TRY(edit_json(current, source, edit)).reveal());
}

}  // namespace oci_oauth
