// SPDX-License-Identifier: Apache-2.0
#include "base/json_edit.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "base/fmt.h"

namespace oci_oauth {

namespace {

constexpr std::string_view whitespace = " \t\r\n";

struct Part {
  std::string key;            // empty in an array
  size_t begin = 0, end = 0;  // of its value
};

// Where the members or elements of an object or array are in the text: from after its '{' or '[' to its end.
struct Parts {
  size_t open = 0, close = 0;
  std::vector<Part> all = {};
};

// The text from `at` on begins with an object or array that parse_json took.
Parts parts_at(std::string_view text, size_t at) {
  JsonReader json(text.substr(at), JsonRules::comments);
  const JsonKind kind = json.next();
  json.enter(kind);
  Parts parts = {.open = at + json.offset()};
  while (true) {
    const auto key = kind == JsonKind::object ? json.next_key() : std::nullopt;
    if (!key && (kind == JsonKind::object || !json.next_element())) break;
    Part& part = parts.all.emplace_back(Part{.key = std::string(key.value_or(""))});
    json.next();
    part.begin = at + json.offset();
    json.skip();
    part.end = at + json.offset();
  }
  parts.close = at + json.offset() - 1;
  return parts;
}

// Skips white space and comments.
size_t skip_blanks(std::string_view text, size_t at) {
  JsonReader json(text.substr(at), JsonRules::comments);
  json.next();
  return at + json.offset();
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

Layout layout_of(std::string_view text, const Parts& object) {
  const std::string_view inner = text.substr(object.open, object.close - object.open);
  const auto& members = object.all;
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

Secret inserted(std::string_view text, const Parts& object, std::string_view key, const JsonValue& value) {
  const Layout layout = layout_of(text, object);
  const bool is_empty = object.all.empty();
  const size_t last = is_empty ? object.open : object.all.back().end;
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

Secret removed(std::string_view text, const Parts& object, size_t index) {
  const size_t end = object.all[index].end;
  const size_t before = index == 0 ? object.open : object.all[index - 1].end;
  const size_t comma = index == 0 ? before : skip_blanks(text, before);
  const size_t after_comma = index == 0 ? before : comma + 1;
  const size_t key = skip_blanks(text, after_comma);
  if (index + 1 < object.all.size()) {
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

// Makes the first value in which the two differ as it is in `target`, in `old` and in its text, where it
// begins at `at`. `object`: the one that `old` is a member of, if it is.
Secret edited_once(std::string_view text, size_t at, JsonValue& old, const JsonValue& target,
                   const Parts* object = nullptr) {
  const bool is_list = old.IsArray() && target.IsArray() && old.Size() == target.Size();
  if (!is_list && !(old.IsObject() && target.IsObject())) {
    JsonReader json(text.substr(at), JsonRules::comments);
    json.skip();
    const Secret with = object != nullptr ? laid_out(target, layout_of(text, *object)) : write_json(target);
    old = json_copy(target);
    return joined({text.substr(0, at), with.reveal(), text.substr(at + json.offset())});
  }
  const Parts parts = parts_at(text, at);
  // Members of the document are in the order of the text.
  for (unsigned i = 0; i < parts.all.size(); ++i) {
    const Part& part = parts.all[i];
    const JsonValue* wanted = is_list ? &target[i] : json_member(target, part.key);
    JsonValue& here = is_list ? old[i] : old.MemberBegin()[i].value;
    if (wanted == nullptr) {
      json_remove(old, part.key);
      return removed(text, parts, i);
    }
    if (here != *wanted) return edited_once(text, part.begin, here, *wanted, is_list ? nullptr : &parts);
  }
  const auto members = target.GetObject();
  const auto& added = *std::ranges::find_if(
      members, [&](const auto& member) { return json_member(old, json_text(member.name)) == nullptr; });
  json_set(old, json_text(added.name), json_copy(added.value));
  return inserted(text, parts, json_text(added.name), added.value);
}

// The text of `document` as `target`, edit by edit. One is made only if the edited text says just that.
Result<Secret> edited(std::string_view text, std::string_view source, JsonDocument document,
                      const JsonValue& target) {
  Secret result(text);
  while (document != target) {
    result = edited_once(result.reveal(), 0, document, target);
    const auto now = parse_object(result.reveal(), source);
    if (now && *now == document) continue;
    return Error{ErrorKind::failed, fmt::format("{}: its layout cannot be edited", source),
                 "put a line break after each of its comments"};
  }
  return result;
}

// Removes from `there` what is still as in `ours`. Result: whether all of it can go.
bool take_out(JsonValue& there, const JsonValue& ours) {
  if (there == ours) return true;
  if (!there.IsObject() || !ours.IsObject()) return false;
  for (const auto& [name, value] : ours.GetObject()) {
    JsonValue* member = json_member(there, json_text(name));
    if (member != nullptr && take_out(*member, value)) json_remove(there, json_text(name));
  }
  return there.ObjectEmpty();
}

void revert(JsonValue& there, const JsonValue& before, const JsonValue& after) {
  for (const auto& [name, value] : after.GetObject()) {
    const std::string_view key = json_text(name);
    const JsonValue* old = json_member(before, key);
    JsonValue* member = json_member(there, key);
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
  JsonValue* parent = json_at(document, JsonPath(path.begin(), path.end() - 1));
  if (parent != nullptr && parent->IsObject()) json_remove(*parent, path.back());
}

Result<std::string> revert_json(std::string_view current, std::string_view source, std::string_view before,
                                std::string_view after) {
  const auto old = TRY(parse_object(before, source));
  const auto ours = TRY(parse_object(after, source));
  const auto edit = [&](JsonValue& document) { revert(document, old, ours); };
  return std::string(TRY(edit_json(current, source, edit)).reveal());
}

}  // namespace oci_oauth
