// SPDX-License-Identifier: Apache-2.0
#include "oci/spec_edit.h"

#include <algorithm>
#include <array>

#include "base/fmt.h"
#include "base/json.h"

namespace oci_oauth {

namespace {

// The objects and arrays that are edited or examined; a child comes before its parent.
enum class Position { environment, create_runtime, prestart, poststop, process, hooks, top };
constexpr size_t positions = 7;

struct PositionInfo {
  Position place, parent;
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

enum class Presence { absent, null, present };

// Where a place is in the text: `end` is the byte after its closing bracket, or after "null".
struct Site {
  Presence presence = Presence::absent;
  bool is_empty = true;
  size_t end = 0;
};

std::string_view variable_name(std::string_view assignment) {
  return assignment.substr(0, assignment.find('='));
}

// Finds the places, the variables that are set, and whether our hook is there.
class Survey {
 public:
  Survey(JsonReader& json, std::string_view hook_name) : json_(json), hook_name_(hook_name) {}

  void look_into(Position place) {
    const JsonKind kind = infos[static_cast<size_t>(place)].kind;
    Site& site = sites_[static_cast<size_t>(place)];
    site.presence =
        json_.next() == JsonKind::null && place != Position::top ? Presence::null : Presence::present;
    if (site.presence == Presence::null) {
      json_.literal();
    } else if (json_.enter(kind)) {
      while (kind == JsonKind::object ? member(place) : element(place)) site.is_empty = false;
    }
    site.end = json_.offset();
  }

  const Site& at(Position place) const { return sites_[static_cast<size_t>(place)]; }
  bool has_hook(Position place) const { return has_hook_[static_cast<size_t>(place)]; }
  bool sets(std::string_view variable) const {
    return std::find(variables_.begin(), variables_.end(), variable) != variables_.end();
  }

 private:
  bool member(Position parent) {
    const auto key = json_.next_key();
    if (!key) return false;
    const auto info = std::find_if(infos.begin(), infos.end(), [&](const PositionInfo& one) {
      return one.parent == parent && one.key == *key;
    });
    if (info == infos.end()) {
      json_.skip();
    } else if (at(info->place).presence != Presence::absent) {
      json_.fail(fmt::format("duplicate key '{}'", *key));
    } else {
      look_into(info->place);
      if (json_.has_failed()) json_.fail_in(info->key);
    }
    return !json_.has_failed();
  }

  bool element(Position list) {
    if (!json_.next_element()) return false;
    const JsonKind kind = json_.next();
    if (list == Position::environment && kind == JsonKind::string) {
      variables_.emplace_back(variable_name(json_.string()));
    } else if (list != Position::environment && kind == JsonKind::object) {
      look_into_hook(list);
    } else {
      json_.skip();
    }
    return !json_.has_failed();
  }

  void look_into_hook(Position list) {
    json_.enter(JsonKind::object);
    while (const auto key = json_.next_key()) {
      if (*key != "path" || json_.next() != JsonKind::string) {
        json_.skip();
        continue;
      }
      const std::string_view path = json_.string();
      if (path.substr(path.rfind('/') + 1) == hook_name_) has_hook_[static_cast<size_t>(list)] = true;
    }
  }

  JsonReader& json_;
  std::string_view hook_name_;
  std::array<Site, positions> sites_{};
  std::array<bool, positions> has_hook_{};
  std::vector<std::string> variables_;
};

// The members and elements to add, collected by place and then inserted into the text.
class Additions {
 public:
  void add(Position place, std::string_view text) {
    std::string& inner = inner_[static_cast<size_t>(place)];
    if (!inner.empty()) inner += ',';
    inner += text;
  }

  std::string set_into(std::string_view text, const Survey& found) {
    for (const PositionInfo& info : infos) {
      const std::string& inner = inner_[static_cast<size_t>(info.place)];
      if (inner.empty()) continue;
      const Site& site = found.at(info.place);
      const bool is_array = info.kind == JsonKind::array;
      const std::string whole = fmt::format("{}{}{}", is_array ? '[' : '{', inner, is_array ? ']' : '}');
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

  std::array<std::string, positions> inner_;
  std::vector<Splice> splices_;
};

Result<std::string> edited(std::string_view text, std::string_view source, const SpecEdit& edit,
                           Position whole) {
  JsonReader json(text);
  Survey found(json, edit.hook_name);
  found.look_into(whole);
  TRY(json.finish(source));
  Additions additions;
  // The deprecated prestart is the same moment as createRuntime.
  const bool has_create_runtime =
      found.has_hook(Position::create_runtime) || found.has_hook(Position::prestart);
  if (!edit.create_runtime.empty() && !has_create_runtime)
    additions.add(Position::create_runtime, edit.create_runtime);
  if (!edit.poststop.empty() && !found.has_hook(Position::poststop))
    additions.add(Position::poststop, edit.poststop);
  if (found.at(Position::process).presence == Presence::present) {
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
