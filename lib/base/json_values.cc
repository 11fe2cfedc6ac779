// SPDX-License-Identifier: Apache-2.0
#include "base/json_values.h"

#include <algorithm>
#include <vector>

#include "base/fmt.h"
#include "base/json_reader.h"

namespace oci_oauth {

namespace {

// Finds the values at some pointers, by the pointer of each value that the reader meets.
class ValueFinder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, ValueFinder> {
 public:
  struct Range {
    size_t begin = 0, end = 0;  // equal: not found
  };

  ValueFinder(std::string_view text, const rapidjson::MemoryStream& stream,
              std::span<const std::pair<std::string, Secret>> wanted)
      : text_(text), stream_(stream), wanted_(wanted), found_(wanted.size()) {}

  const std::vector<Range>& found() const { return found_; }

  // Every scalar value.
  bool Default() {
    value_ends(begin_of_next());
    return true;
  }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    Container& object = open_.back();
    object.step.clear();
    for (const char c : std::string_view(text, size)) {
      if (c == '~' || c == '/') {
        object.step += c == '~' ? "~0" : "~1";
      } else {
        object.step += c;
      }
    }
    read_to_ = stream_.Tell();
    return true;
  }
  bool StartObject() { return enter({.is_array = false}); }
  bool StartArray() { return enter({.is_array = true}); }
  bool EndObject(rapidjson::SizeType) { return leave(); }
  bool EndArray(rapidjson::SizeType) { return leave(); }

 private:
  struct Container {
    bool is_array;
    size_t index = 0, begin = 0;
    std::string step = {};  // the key, or the index, of the next value
  };

  bool enter(Container container) {
    container.begin = begin_of_next();
    if (container.is_array) container.step = "0";
    open_.push_back(std::move(container));
    read_to_ = stream_.Tell();
    return true;
  }
  bool leave() {
    const size_t begin = open_.back().begin;
    open_.pop_back();
    value_ends(begin);
    return true;
  }
  size_t begin_of_next() const { return text_.find_first_not_of(" \t\r\n,:", read_to_); }
  void value_ends(size_t begin) {
    read_to_ = stream_.Tell();
    std::string pointer;
    for (const Container& container : open_) pointer += "/" + container.step;
    for (size_t i = 0; i < wanted_.size(); ++i) {
      if (wanted_[i].first == pointer) found_[i] = {begin, read_to_};
    }
    if (!open_.empty() && open_.back().is_array) open_.back().step = fmt::format("{}", ++open_.back().index);
  }

  std::string_view text_;
  const rapidjson::MemoryStream& stream_;
  std::span<const std::pair<std::string, Secret>> wanted_;
  std::vector<Range> found_;
  std::vector<Container> open_;
  size_t read_to_ = 0;  // the end of the last event's text
};

std::vector<ValueFinder::Range> find_values(std::string_view text,
                                            std::span<const std::pair<std::string, Secret>> wanted) {
  rapidjson::MemoryStream bytes(text.data(), text.size());
  rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(bytes);
  ValueFinder finder(text, bytes, wanted);
  WipingJsonReader reader;
  reader.Parse<rapidjson::kParseNoFlags>(stream, finder);
  return finder.found();
}

// The key for a step of a JSON Pointer, RFC 6901 section 4.
std::string key_of(std::string_view step) {
  std::string key;
  for (size_t i = 0; i < step.size(); ++i) {
    const bool is_escape = step[i] == '~' && i + 1 < step.size();
    key += is_escape ? (step[++i] == '0' ? '~' : '/') : step[i];
  }
  return key;
}

}  // namespace

std::optional<Secret> replace_json_values(std::string_view text,
                                          std::span<const std::pair<std::string, Secret>> values) {
  const auto found = find_values(text, values);
  std::vector<std::pair<ValueFinder::Range, std::string_view>> changes;
  size_t size = text.size();
  for (size_t i = 0; i < values.size(); ++i) {
    const ValueFinder::Range range = found[i];
    if (range.begin == range.end) return std::nullopt;
    changes.emplace_back(range, values[i].second.reveal());
    size += changes.back().second.size();
  }
  std::sort(changes.begin(), changes.end(),
            [](const auto& a, const auto& b) { return a.first.begin < b.first.begin; });
  std::string result;
  result.reserve(size);  // growing it would leave copies of secrets behind
  size_t copied = 0;
  for (const auto& [range, value] : changes) {
    if (range.begin < copied) return std::nullopt;  // one is inside another
    result.append(text.substr(copied, range.begin - copied)).append(value);
    copied = range.end;
  }
  result.append(text.substr(copied));
  return Secret(std::move(result));
}

std::optional<Secret> insert_json_value(std::string_view text, std::string_view pointer,
                                        std::string_view value) {
  const size_t slash = pointer.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::vector<std::pair<std::string, Secret>> wanted;
  wanted.emplace_back(pointer.substr(0, slash), Secret());
  wanted.emplace_back(pointer, Secret());
  const auto found = find_values(text, wanted);
  const size_t open = text.find_first_not_of("\xef\xbb\xbf", found[0].begin);
  if (found[0].begin == found[0].end || found[1].begin != found[1].end || text[open] != '{')
    return std::nullopt;

  const size_t first = text.find_first_not_of(" \t\r\n", open + 1);
  const bool is_empty = text[first] == '}';
  const std::string_view gap = is_empty ? std::string_view() : text.substr(open + 1, first - open - 1);
  JsonDocument document;
  const Secret key = write_json(json_copy(document, key_of(pointer.substr(slash + 1))));
  std::string result;
  result.reserve(text.size() + 2 * gap.size() + key.reveal().size() + value.size() + 4);
  result.append(text.substr(0, open + 1)).append(gap).append(key.reveal());
  result.append(gap.empty() ? ":" : ": ").append(value);
  if (!is_empty) result.append(",").append(gap);
  result.append(text.substr(first));
  return Secret(std::move(result));
}

}  // namespace oci_oauth
