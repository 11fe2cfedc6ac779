// SPDX-License-Identifier: Apache-2.0
#include "base/json_edit.h"

#include <algorithm>
#include <deque>

#include "base/fmt.h"
#include "base/json_reader.h"

namespace oci_oauth {

namespace {

constexpr std::string_view whitespace = " \t\r\n";

struct Member;
using Members = std::vector<Member>;

// The position of a value in the text.
struct Node {
  bool is_object = false;
  size_t key_end = 0;  // of a member: after its key
  size_t open = 0;     // of an object: after its '{'
  size_t end = 0;      // after the value
  Members members;     // of an object
};

struct Member {
  std::string first;
  Node second;
};

// Builds the nodes while the reader parses the text. Values in arrays are skipped, because no path leads
// there.
template <class Stream>
class NodeBuilder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, NodeBuilder<Stream>> {
 public:
  explicit NodeBuilder(const Stream& stream) : stream_(stream) {}

  Node take() { return std::move(root_); }

  // Every scalar value.
  bool Default() {
    current().end = stream_.Tell();
    return true;
  }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    Members& members = open_.back()->members;
    members.push_back({std::string(text, size), Node()});
    members.back().second.key_end = stream_.Tell();
    return true;
  }
  bool StartObject() {
    Node& node = current();
    node.is_object = true;
    node.open = stream_.Tell();
    open_.push_back(&node);
    return true;
  }
  bool StartArray() {
    open_.push_back(&current());
    return true;
  }
  bool EndObject(rapidjson::SizeType) { return close(); }
  bool EndArray(rapidjson::SizeType) { return close(); }

 private:
  bool in_array() const { return !open_.empty() && !open_.back()->is_object; }
  // The place of the next value; nodes in arrays are dropped.
  Node& current() {
    if (open_.empty()) return root_;
    if (in_array()) return dropped_.emplace_back();
    return open_.back()->members.back().second;
  }
  bool close() {
    open_.back()->end = stream_.Tell();
    open_.pop_back();
    return true;
  }

  const Stream& stream_;
  Node root_;
  std::vector<Node*> open_;
  std::deque<Node> dropped_;
};

// Only for a text that parse_json accepted, which bounds the depth.
Node locate_nodes(std::string_view text) {
  rapidjson::MemoryStream bytes(text.data(), text.size());
  rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(bytes);
  NodeBuilder builder(stream);
  rapidjson::Reader reader;
  reader.Parse<rapidjson::kParseCommentsFlag>(stream, builder);
  return builder.take();
}

Member* find_member(Members& members, std::string_view key) {
  const auto found =
      std::find_if(members.begin(), members.end(), [&](const auto& member) { return member.first == key; });
  return found == members.end() ? nullptr : &*found;
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
};

Layout layout_of(std::string_view text, const Node& object) {
  const std::string_view inner = text.substr(object.open, object.end - 1 - object.open);
  Layout layout = {.lines = object.members.empty() || inner.find('\n') != std::string_view::npos,
                   .parent = std::string(indentation_at(text, object.open)),
                   .child = ""};
  const size_t first = skip_blanks(text, object.open);
  const std::string_view first_line = indentation_at(text, first);
  const bool begins_line = trim_back(text, first, object.open) != first &&
                           first_line.data() + first_line.size() == text.data() + first;
  const std::string unit = layout.parent.starts_with('\t') ? "\t" : "  ";
  layout.child = !object.members.empty() && begins_line ? std::string(first_line) : layout.parent + unit;
  return layout;
}

// `value`, formatted for a member of an object with that layout.
std::string laid_out(const JsonValue& value, const Layout& layout) {
  if (!layout.lines) return std::string(write_json(value).reveal());
  const std::string_view unit = layout.child.starts_with(layout.parent)
                                    ? std::string_view(layout.child).substr(layout.parent.size())
                                    : std::string_view("  ");
  std::string result;
  const Secret text = write_json(value, JsonStyle::indented);
  for (std::string_view rest = text.reveal(); !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const size_t spaces = line.find_first_not_of(' ');
    if (!result.empty()) result += "\n" + layout.child;
    for (size_t level = 0; level < spaces / 2; ++level) result += unit;
    result += line.substr(spaces);
  }
  return result;
}

std::string in_json(std::string_view key) {
  JsonDocument document;
  return std::string(write_json(json_copy(document, key)).reveal());
}

std::string inserted(std::string_view text, const Node& object, std::string_view key,
                     const JsonValue& value) {
  const Layout layout = layout_of(text, object);
  const size_t close = object.end - 1;
  const size_t last = object.members.empty() ? object.open : object.members.back().second.end;
  const size_t at = trim_back(text, close, last);  // after a comment that follows the last member
  const std::string separator = layout.lines ? "\n" + layout.child : " ";
  std::string result(text.substr(0, last));
  if (!object.members.empty()) result += ',';
  result += text.substr(last, at - last);
  result += fmt::format("{}{}: {}", separator, in_json(key), laid_out(value, layout));
  const std::string_view tail = text.substr(at, close - at);
  if (layout.lines && tail.find('\n') == std::string_view::npos) {
    result += "\n" + layout.parent;
  } else {
    result += tail;
  }
  return result.append(text.substr(close));
}

std::string replaced(std::string_view text, size_t begin, size_t end, std::string_view with) {
  return fmt::format("{}{}{}", text.substr(0, begin), with, text.substr(end));
}

std::string removed(std::string_view text, const Node& object, size_t index) {
  const size_t end = object.members[index].second.end;
  const size_t before = index == 0 ? object.open : object.members[index - 1].second.end;
  const size_t comma = index == 0 ? before : skip_blanks(text, before);
  const size_t after_comma = index == 0 ? before : comma + 1;
  const size_t key = skip_blanks(text, after_comma);
  if (index + 1 < object.members.size()) {
    const size_t next = skip_blanks(text, end) + 1;  // past the comma
    return replaced(text, key, std::min(text.find_first_not_of(whitespace, next), text.size()), "");
  }
  std::string result = replaced(text, trim_back(text, key, after_comma), end, "");
  if (index > 0) return result.erase(comma, 1);
  const size_t close = object.end - 1 - (text.size() - result.size());
  if (trim_back(result, close, object.open) == object.open) result.erase(object.open, close - object.open);
  return result;
}

Result<JsonDocument> parse_object(std::string_view text, std::string_view source) {
  auto document = parse_json(text, source, JsonComments::allowed);
  if (!document) return document;
  if (!document->IsObject()) return Error{ErrorKind::failed, fmt::format("{}: is not a JSON object", source)};
  return document;
}

// The object that contains the last key of `path`, created if it is missing. Failure: a step is not an
// object.
Result<JsonValue*> make_parent(JsonDocument& document, std::string_view source, const JsonPath& path) {
  JsonValue* at = &document;
  for (size_t step = 0; step + 1 < path.size(); ++step) {
    if (json_member(*at, path[step]) == nullptr) json_set(document, *at, path[step], json_object());
    at = const_cast<JsonValue*>(json_member(*at, path[step]));
    if (at->IsObject()) continue;
    return Error{
        ErrorKind::failed,
        fmt::format("{}: /{}: is not an object", source,
                    fmt::join(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(step) + 1, "/"))};
  }
  return at;
}

// An edit is made only if the edited text equals the edited document.
Result<std::string> verified(std::string text, std::string_view source, const JsonDocument& expected) {
  const auto document = parse_object(text, source);
  if (document && *document == expected) return text;
  return Error{ErrorKind::failed, fmt::format("{}: its layout cannot be edited", source),
               "put a line break after each of its comments"};
}

const JsonValue* member_at(const JsonValue& root, const JsonPath& path) {
  const JsonValue* at = &root;
  for (const std::string& key : path) {
    at = json_member(*at, key);
    if (at == nullptr) return nullptr;
  }
  return at;
}

JsonPath below(JsonPath path, std::string_view key) {
  path.emplace_back(key);
  return path;
}

// Removes `ours` from the member at `path`: the whole member if it is unchanged, and otherwise the unchanged
// parts of it.
Result<std::string> take_out(std::string text, std::string_view source, const JsonPath& path,
                             const JsonValue& ours) {
  auto document = TRY(parse_object(text, source));
  const JsonValue* there = member_at(document, path);
  if (there == nullptr) return text;
  if (*there == ours) return remove_json_member(text, source, path);
  if (!there->IsObject() || !ours.IsObject()) return text;
  for (const auto& member : ours.GetObject()) {
    auto less = take_out(std::move(text), source, below(path, json_text(member.name)), member.value);
    if (!less) return less;
    text = std::move(*less);
  }
  auto rest = TRY(find_json_member(text, source, path));
  return *rest == "{}" ? remove_json_member(text, source, path) : text;
}

Result<std::string> revert_members(std::string text, std::string_view source, const JsonPath& path,
                                   const JsonValue& before, const JsonValue& after) {
  for (const auto& member : after.GetObject()) {
    const std::string_view key = json_text(member.name);
    const JsonPath here = below(path, key);
    const JsonValue* old = json_member(before, key);
    Result<std::string> done = text;
    if (old == nullptr) {
      done = take_out(text, source, here, member.value);
    } else if (old->IsObject() && member.value.IsObject()) {
      done = revert_members(text, source, here, *old, member.value);
    } else if (*old != member.value) {
      auto there = TRY(find_json_member(text, source, here));
      if (there == write_json(member.value).reveal()) {
        done = set_json_member(text, source, here, write_json(*old).reveal());
      }
    }
    if (!done) return done;
    text = std::move(*done);
  }
  return text;
}

}  // namespace

Result<std::string> set_json_member(std::string_view text, std::string_view source, const JsonPath& path,
                                    std::string_view value) {
  auto document = TRY(parse_object(text, source));
  auto wanted = TRY(parse_json(value, "value"));
  if (const JsonValue* there = member_at(document, path); there != nullptr && *there == wanted) {
    return std::string(text);
  }
  auto parent = TRY(make_parent(document, source, path));
  json_set(document, *parent, path.back(), json_copy(wanted));

  Node object = locate_nodes(text);
  for (size_t step = 0;; ++step) {
    auto* member = find_member(object.members, path[step]);
    const JsonPath here(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(step) + 1);
    const JsonValue& result = *member_at(document, here);
    if (member == nullptr) return verified(inserted(text, object, path[step], result), source, document);
    if (step + 1 == path.size()) {
      const size_t colon = skip_blanks(text, member->second.key_end);
      const size_t begin = skip_blanks(text, colon + 1);
      return verified(replaced(text, begin, member->second.end, laid_out(result, layout_of(text, object))),
                      source, document);
    }
    object = Node(std::move(member->second));
  }
}

Result<std::string> remove_json_member(std::string_view text, std::string_view source, const JsonPath& path) {
  auto document = TRY(parse_object(text, source));
  if (member_at(document, path) == nullptr) return std::string(text);
  auto parent = TRY(make_parent(document, source, path));
  parent->RemoveMember(path.back());

  Node object = locate_nodes(text);
  for (size_t step = 0;; ++step) {
    auto* member = find_member(object.members, path[step]);
    if (step + 1 == path.size()) {
      const auto index = static_cast<size_t>(member - object.members.data());
      return verified(removed(text, object, index), source, document);
    }
    object = Node(std::move(member->second));
  }
}

Result<std::optional<std::string>> find_json_member(std::string_view text, std::string_view source,
                                                    const JsonPath& path) {
  const auto document = TRY(parse_object(text, source));
  const JsonValue* member = member_at(document, path);
  if (member == nullptr) return std::optional<std::string>();
  return std::optional<std::string>(write_json(*member).reveal());
}

Result<std::string> revert_json(std::string_view current, std::string_view source, std::string_view before,
                                std::string_view after) {
  const auto old = TRY(parse_object(before, source));
  const auto ours = TRY(parse_object(after, source));
  return revert_members(std::string(current), source, {}, old, ours);
}

}  // namespace oci_oauth
