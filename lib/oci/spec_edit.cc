// SPDX-License-Identifier: Apache-2.0
#include "oci/spec_edit.h"

#include <algorithm>
#include <array>

#include "base/fmt.h"
#include "base/json.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

// The objects and arrays that are edited or examined; a child comes before its parent.
enum class Position { environment, create_runtime, prestart, poststop, process, hooks, top };
constexpr size_t positions = 7;

struct PositionInfo {
  Position position, parent;
  std::string_view key;
  JsonKind kind;
};
constexpr std::array<PositionInfo, positions> infos = {{
    {Position::environment, Position::process, "env", JsonKind::array},
    {Position::create_runtime, Position::hooks, "createRuntime", JsonKind::array},
    {Position::prestart, Position::hooks, "prestart", JsonKind::array},
    {Position::poststop, Position::hooks, "poststop", JsonKind::array},
    {Position::process, Position::top, "process", JsonKind::object},
    {Position::hooks, Position::top, "hooks", JsonKind::object},
    {Position::top, Position::top, "", JsonKind::object},
}};

enum class Found { nothing, null, value };

// Where a place is in the text: `end` is the byte after its closing bracket, or after "null".
struct Place {
  Found found = Found::nothing;
  bool is_empty = true;
  size_t end = 0;
};

std::string_view variable_name(std::string_view assignment) {
  return assignment.substr(0, assignment.find('='));
}

// Finds the places, the variables that are set, and whether our hook is there.
class Survey {
 public:
  Survey(std::string_view text, std::string_view hook_name) : text_(text), hook_name_(hook_name) {}

  void look_into(JsonReader& json, Position position);

  const Place& at(Position position) const { return places_[static_cast<size_t>(position)]; }
  bool has_hook(Position position) const { return has_hook_[static_cast<size_t>(position)]; }
  bool sets(std::string_view variable) const {
    return std::ranges::find(variables_, variable) != variables_.end();
  }

 private:
  void read_list(JsonReader& json, Position list) {
    json.enter(JsonKind::array);
    while (json.next_element()) {
      const JsonKind kind = json.next();
      if (list == Position::environment && kind == JsonKind::string) {
        variables_.emplace_back(variable_name(json.string()));
      } else if (list != Position::environment && kind == JsonKind::object) {
        read_hook(json, list);
      } else {
        json.skip();
      }
    }
  }

  void read_hook(JsonReader& json, Position list) {
    json.enter(JsonKind::object);
    while (const auto key = json.next_key()) {
      if (*key != "path" || json.next() != JsonKind::string) {
        json.skip();
        continue;
      }
      const std::string_view path = json.string();
      if (path.substr(path.rfind('/') + 1) == hook_name_) has_hook_[static_cast<size_t>(list)] = true;
    }
  }

  std::string_view text_, hook_name_;
  std::array<Place, positions> places_{};
  std::array<bool, positions> has_hook_{};
  std::vector<std::string> variables_;
};

template <Position position>
void look(JsonReader& json, Survey& survey) {
  survey.look_into(json, position);
}

constexpr JsonMember<Survey> edited_top[] = {{"process", look<Position::process>, true},
                                             {"hooks", look<Position::hooks>, true}},
                             edited_process[] = {{"env", look<Position::environment>, true}},
                             edited_hooks[] = {{"createRuntime", look<Position::create_runtime>, true},
                                               {"prestart", look<Position::prestart>, true},
                                               {"poststop", look<Position::poststop>, true}};

void Survey::look_into(JsonReader& json, Position position) {
  Place& place = places_[static_cast<size_t>(position)];
  place.found = json.next() == JsonKind::null && position != Position::top ? Found::null : Found::value;
  const size_t begin = json.offset();
  if (place.found == Found::null) {
    json.literal();
  } else if (position == Position::top) {
    read_members<Survey>(json, edited_top, *this);
  } else if (position == Position::process) {
    read_members<Survey>(json, edited_process, *this);
  } else if (position == Position::hooks) {
    read_members<Survey>(json, edited_hooks, *this);
  } else {
    read_list(json, position);
  }
  place.end = json.offset();
  if (json.has_failed() || place.found == Found::null) return;
  place.is_empty = trimmed(text_.substr(begin + 1, place.end - begin - 2), " \t\r\n").empty();
}

// The members and elements to add, collected by place and then inserted into the text.
class Additions {
 public:
  void add(Position position, std::string_view text) {
    std::string& inner = inner_[static_cast<size_t>(position)];
    if (!inner.empty()) inner += ',';
    inner += text;
  }

  std::string set_into(std::string_view text, const Survey& found) {
    for (const PositionInfo& info : infos) {
      const std::string& inner = inner_[static_cast<size_t>(info.position)];
      if (inner.empty()) continue;
      const Place& place = found.at(info.position);
      const bool is_array = info.kind == JsonKind::array;
      const std::string whole = fmt::format("{}{}{}", is_array ? '[' : '{', inner, is_array ? ']' : '}');
      if (place.found == Found::nothing) add(info.parent, fmt::format("\"{}\":{}", info.key, whole));
      if (place.found == Found::null) splices_.push_back({place.end - 4, 4, whole});
      if (place.found == Found::value)
        splices_.push_back({place.end - 1, 0, (place.is_empty ? "" : ",") + inner});
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
    std::ranges::sort(splices_, [](const Splice& a, const Splice& b) { return a.at > b.at; });
    std::string result(text);
    for (const Splice& splice : splices_) result.replace(splice.at, splice.erased, splice.text);
    return result;
  }

  std::array<std::string, positions> inner_;
  std::vector<Splice> splices_;
};

Result<std::string> edited(std::string_view text, std::string_view source, const SpecEdit& edit,
                           Position whole) {
  JsonReader json(text);
  Survey found(text, edit.hook_name);
  found.look_into(json, whole);
  TRY(json.finish(source));
  Additions additions;
  // The deprecated prestart is the same moment as createRuntime.
  const bool has_create_runtime =
      found.has_hook(Position::create_runtime) || found.has_hook(Position::prestart);
  if (!edit.create_runtime.empty() && !has_create_runtime)
    additions.add(Position::create_runtime, edit.create_runtime);
  if (!edit.poststop.empty() && !found.has_hook(Position::poststop))
    additions.add(Position::poststop, edit.poststop);
  if (found.at(Position::process).found == Found::value) {
    for (const std::string& assignment : edit.environment) {
      if (!found.sets(variable_name(assignment)))
        additions.add(Position::environment, json_quoted(assignment));
    }
  }
  return additions.set_into(text, found);
}

}  // namespace

Result<std::string> edit_spec(std::string_view text, std::string_view source, const SpecEdit& edit) {
  return edited(text, source, edit, Position::top);
}

Result<std::string> edit_process(std::string_view text, std::string_view source,
                                 const std::vector<std::string>& environment) {
  return edited(text, source, {.environment = environment}, Position::process);
}

}  // namespace oci_oauth
