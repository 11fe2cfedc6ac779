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
enum class Position { environment, create_runtime, prestart, poststop, process, hooks, top, none };

struct Place {
  Position position, parent;
  std::string_view key;
  JsonKind kind;
  // In the text: what is there, and the byte after its closing bracket, or after "null".
  JsonKind found = JsonKind::invalid;
  bool is_empty = true, has_hook = false;
  size_t end = 0;
  std::string added = {};  // members or elements

  std::string added_whole() const { return kind == JsonKind::array ? "[" + added + "]" : "{" + added + "}"; }
};

std::string_view variable_name(std::string_view assignment) {
  return assignment.substr(0, assignment.find('='));
}

// Finds the places, the variables that are set, and whether our hook is there; then adds to the places.
class SpecText {
 public:
  SpecText(std::string_view text, std::string_view hook_name) : text_(text), hook_name_(hook_name) {}

  Result<void> read(Position whole, std::string_view source) {
    JsonReader json(text_);
    read_place(json, at(whole));
    return json.finish(source);
  }

  bool has(Position position) { return at(position).found == at(position).kind; }
  bool has_hook(Position position) { return at(position).has_hook; }
  bool sets(std::string_view variable) const {
    return std::ranges::find(variables_, variable) != variables_.end();
  }

  void add(Position position, std::string_view text) {
    std::string& added = at(position).added;
    if (!added.empty()) added += ',';
    added += text;
  }

  std::string edited() {
    std::vector<const Place*> changed;
    for (const Place& place : places_) {
      if (place.added.empty()) continue;
      if (place.found == JsonKind::invalid) {
        add(place.parent, fmt::format("\"{}\":{}", place.key, place.added_whole()));
      } else {
        changed.push_back(&place);
      }
    }
    // From the end, so that offsets before an insertion stay valid.
    std::ranges::sort(changed, std::greater(), &Place::end);
    std::string result(text_);
    for (const Place* place : changed) {
      if (place->found == JsonKind::null) {
        result.replace(place->end - 4, 4, place->added_whole());
      } else {
        result.insert(place->end - 1, (place->is_empty ? "" : ",") + place->added);
      }
    }
    return result;
  }

 private:
  Place& at(Position position) { return places_[static_cast<size_t>(position)]; }

  void read_place(JsonReader& json, Place& place) {
    const bool is_null = json.next() == JsonKind::null && place.position != Position::top;
    const size_t begin = json.offset();
    if (is_null) {
      json.literal();
    } else if (place.kind == JsonKind::object) {
      read_object(json, place.position);
    } else {
      read_list(json, place);
    }
    place.found = is_null ? JsonKind::null : place.kind;
    place.end = json.offset();
    if (json.has_failed() || is_null) return;
    place.is_empty = trimmed(text_.substr(begin + 1, place.end - begin - 2), " \t\r\n").empty();
  }

  void read_object(JsonReader& json, Position parent) {
    if (!json.enter(JsonKind::object)) return;
    while (const auto key = json.next_key()) {
      const auto is_it = [&](const Place& place) { return place.parent == parent && place.key == *key; };
      const auto child = std::ranges::find_if(places_, is_it);
      if (child == places_.end()) {
        json.skip();
        continue;
      }
      if (child->found != JsonKind::invalid) return json.fail(fmt::format("duplicate key '{}'", child->key));
      read_place(json, *child);
      if (json.has_failed()) return json.fail_in(child->key);
    }
  }

  void read_list(JsonReader& json, Place& list) {
    json.enter(JsonKind::array);
    while (json.next_element()) {
      const JsonKind kind = json.next();
      if (list.position == Position::environment && kind == JsonKind::string) {
        variables_.emplace_back(variable_name(json.string()));
      } else if (list.position != Position::environment && kind == JsonKind::object) {
        read_hook(json, list);
      } else {
        json.skip();
      }
    }
  }

  void read_hook(JsonReader& json, Place& list) {
    json.enter(JsonKind::object);
    while (const auto key = json.next_key()) {
      if (*key == "path" && json.next() == JsonKind::string) {
        const std::string_view path = json.string();
        list.has_hook |= path.substr(path.rfind('/') + 1) == hook_name_;
      } else {
        json.skip();
      }
    }
  }

  std::string_view text_, hook_name_;
  std::array<Place, 7> places_ = {{
      {Position::environment, Position::process, "env", JsonKind::array},
      {Position::create_runtime, Position::hooks, "createRuntime", JsonKind::array},
      {Position::prestart, Position::hooks, "prestart", JsonKind::array},
      {Position::poststop, Position::hooks, "poststop", JsonKind::array},
      {Position::process, Position::top, "process", JsonKind::object},
      {Position::hooks, Position::top, "hooks", JsonKind::object},
      {Position::top, Position::none, "", JsonKind::object},
  }};
  std::vector<std::string> variables_;
};

Result<std::string> edited(std::string_view text, std::string_view source, const SpecEdit& edit,
                           Position whole) {
  SpecText spec(text, edit.hook_name);
  TRY(spec.read(whole, source));
  // The deprecated prestart is the same moment as createRuntime.
  const bool has_create_runtime =
      spec.has_hook(Position::create_runtime) || spec.has_hook(Position::prestart);
  if (!edit.create_runtime.empty() && !has_create_runtime)
    spec.add(Position::create_runtime, edit.create_runtime);
  if (!edit.poststop.empty() && !spec.has_hook(Position::poststop))
    spec.add(Position::poststop, edit.poststop);
  for (const std::string& assignment : edit.environment) {
    if (spec.has(Position::process) && !spec.sets(variable_name(assignment)))
      spec.add(Position::environment, json_quoted(assignment));
  }
  return spec.edited();
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
