// SPDX-License-Identifier: Apache-2.0
#include "oci/spec_edit.h"

#include <algorithm>
#include <array>

#include "base/fmt.h"
#include "base/json_reader.h"

namespace oci_oauth {

namespace {

// The objects and arrays that are edited or examined; a child comes before its parent.
enum class Position {
  environment,
  create_runtime,
  prestart,
  poststop,
  process,
  hooks,
  top,
  create_entry,
  poststop_entry,
  skip
};
constexpr size_t places = 10;

struct PositionInfo {
  Position place, parent;
  std::string_view key;
  bool is_array;
};
constexpr PositionInfo infos[] = {
    {Position::environment, Position::process, "env", true},
    {Position::create_runtime, Position::hooks, "createRuntime", true},
    {Position::prestart, Position::hooks, "prestart", true},
    {Position::poststop, Position::hooks, "poststop", true},
    {Position::process, Position::top, "process", false},
    {Position::hooks, Position::top, "hooks", false},
    {Position::top, Position::skip, "", false},
};

const PositionInfo* position_below(Position parent, std::string_view key) {
  for (const PositionInfo& info : infos) {
    if (info.parent == parent && info.key == key) return &info;
  }
  return nullptr;
}

enum class Presence { absent, null, present };

// The position of a place in the text: `end` is the byte after its closing bracket, or after "null".
struct Site {
  Presence presence = Presence::absent;
  bool is_empty = true;
  size_t end = 0;
};

std::string_view variable_name(std::string_view assignment) {
  return assignment.substr(0, assignment.find('='));
}

// Finds the places, the variables that are set, and whether our hook is there.
class Surveyor : public JsonHandler {
 public:
  Surveyor(Position root, std::string_view hook_name) : root_(root), hook_name_(hook_name) {}

  void reads(const JsonStream& stream) { stream_ = &stream; }

  bool Null() {
    const PositionInfo* info = expected();
    if (info != nullptr) site(info->place) = {Presence::null, true, stream_->Tell()};
    return true;
  }
  bool Bool(bool) { return scalar(); }
  bool Int(int) { return scalar(); }
  bool Uint(unsigned) { return scalar(); }
  bool Int64(std::int64_t) { return scalar(); }
  bool Uint64(std::uint64_t) { return scalar(); }
  bool Double(double) { return scalar(); }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    const std::string_view value(text, size);
    if (place() == Position::environment) variables_.emplace_back(variable_name(value));
    const bool in_entry = place() == Position::create_entry || place() == Position::poststop_entry;
    if (in_entry && key_ == "path" && value.substr(value.rfind('/') + 1) == hook_name_)
      (place() == Position::create_entry ? has_create_runtime_ : has_poststop_) = true;
    return scalar();
  }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    if (place() == Position::skip) return true;
    key_.assign(text, size);
    const PositionInfo* info = expected();
    if (info == nullptr || site(info->place).presence == Presence::absent) return true;
    return refuse(fmt::format("duplicate key '{}'", key_));
  }
  bool StartObject() { return enter(false); }
  bool StartArray() { return enter(true); }
  bool EndObject(rapidjson::SizeType count) { return leave(count); }
  bool EndArray(rapidjson::SizeType count) { return leave(count); }

  const std::string& refusal() const { return refusal_; }
  const Site& at(Position place) const { return sites_[static_cast<size_t>(place)]; }
  bool has_create_runtime() const { return has_create_runtime_; }
  bool has_poststop() const { return has_poststop_; }
  bool sets(std::string_view variable) const {
    return std::find(variables_.begin(), variables_.end(), variable) != variables_.end();
  }

 private:
  Position place() const { return depth_ == 0 ? Position::skip : stack_[depth_ - 1]; }
  Site& site(Position place) { return sites_[static_cast<size_t>(place)]; }

  // What the next value is to us; elements of an array have no key.
  const PositionInfo* expected() const { return position_below(place(), key_); }

  bool refuse(std::string reason) {
    refusal_ = std::move(reason);
    return false;
  }
  bool scalar() {
    if (depth_ == 0) return refuse("is not an object");
    const PositionInfo* info = expected();
    return info == nullptr || refuse_type(*info);
  }
  bool refuse_type(const PositionInfo& info) {
    return refuse(fmt::format("'{}' is not an {}", info.key, info.is_array ? "array" : "object"));
  }

  bool enter(bool is_array) {
    if (depth_ == stack_.size()) return refuse(fmt::format("nested deeper than {} levels", json_max_depth));
    Position entered = Position::skip;
    if (depth_ == 0) {
      if (is_array) return refuse("is not an object");
      entered = root_;
    } else if (const PositionInfo* info = expected()) {
      if (info->is_array != is_array) return refuse_type(*info);
      entered = info->place;
    } else if (!is_array) {
      entered = entry_of(place());
    }
    stack_[depth_++] = entered;
    return true;
  }
  static Position entry_of(Position list) {
    // The deprecated prestart runs at the same moment as createRuntime.
    if (list == Position::create_runtime || list == Position::prestart) return Position::create_entry;
    return list == Position::poststop ? Position::poststop_entry : Position::skip;
  }
  bool leave(rapidjson::SizeType count) {
    site(stack_[--depth_]) = {Presence::present, count == 0, stream_->Tell()};
    return true;
  }

  Position root_;
  std::string_view hook_name_;
  const JsonStream* stream_ = nullptr;
  std::array<Position, json_max_depth> stack_{};
  size_t depth_ = 0;
  std::string key_, refusal_;
  std::array<Site, places> sites_{};
  std::vector<std::string> variables_;
  bool has_create_runtime_ = false, has_poststop_ = false;
};

std::string json_string_of(std::string_view text) {
  JsonDocument document;
  return std::string(write_json(json_copy(document, text)).reveal());
}

// The members and elements to add, collected by place and then inserted into the text.
class Additions {
 public:
  void add(Position place, std::string_view text) {
    std::string& inner = inner_[static_cast<size_t>(place)];
    if (!inner.empty()) inner += ',';
    inner += text;
  }

  std::string set_into(std::string_view text, const Surveyor& found) {
    for (const PositionInfo& info : infos) {
      const std::string& inner = inner_[static_cast<size_t>(info.place)];
      if (inner.empty()) continue;
      const Site& site = found.at(info.place);
      const std::string whole = info.is_array ? fmt::format("[{}]", inner) : fmt::format("{{{}}}", inner);
      if (site.presence == Presence::absent) add(info.parent, fmt::format("\"{}\":{}", info.key, whole));
      if (site.presence == Presence::null) splices_.push_back({site.end - 4, 4, whole});
      if (site.presence == Presence::present)
        splices_.push_back({site.end - 1, 0, (site.is_empty ? "" : ",") + inner});
    }
    return spliced(text);
  }

 private:
  struct Splice {
    size_t at, erased;
    std::string text;
  };

  // From the end, so that offsets before an insertion stay valid.
  std::string spliced(std::string_view text) {
    std::sort(splices_.begin(), splices_.end(), [](const Splice& a, const Splice& b) { return a.at > b.at; });
    std::string result(text);
    for (const Splice& splice : splices_) result.replace(splice.at, splice.erased, splice.text);
    return result;
  }

  std::array<std::string, places> inner_;
  std::vector<Splice> splices_;
};

Result<std::string> edited(const std::string& text, std::string_view source, const SpecEdit& edit,
                           Position root) {
  Surveyor found(root, edit.hook_name);
  TRY(read_json(text, source, found));
  Additions additions;
  if (!edit.create_runtime.empty() && !found.has_create_runtime())
    additions.add(Position::create_runtime, edit.create_runtime);
  if (!edit.poststop.empty() && !found.has_poststop()) additions.add(Position::poststop, edit.poststop);
  if (found.at(Position::process).presence == Presence::present) {
    for (const std::string& assignment : edit.environment) {
      if (!found.sets(variable_name(assignment)))
        additions.add(Position::environment, json_string_of(assignment));
    }
  }
  return additions.set_into(text, found);
}

}  // namespace

Result<std::string> edit_spec(const std::string& text, std::string_view source, const SpecEdit& edit) {
  return edited(text, source, edit, Position::top);
}

Result<std::string> edit_process(const std::string& text, std::string_view source,
                                 const std::vector<std::string>& environment) {
  return edited(text, source, {.environment = environment}, Position::process);
}

}  // namespace oci_oauth
