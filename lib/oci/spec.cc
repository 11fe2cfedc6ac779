// SPDX-License-Identifier: Apache-2.0
#include "oci/spec.h"

#include <array>

#include "base/fmt.h"
#include "base/json_reader.h"

namespace oci_oauth {

namespace {

// The objects and arrays of config.json that contain something we keep; all others are `skip`, whatever they
// contain.
enum class Place {
  skip,
  document,
  top,
  root,
  process,
  user,
  capabilities,
  capability_set,
  mounts,
  mount,
  options,
  linux,
  annotations
};

// What a key in `place` leads to: the place of its object or array.
Place child_of(Place place, std::string_view key) {
  switch (place) {
    case Place::top:
      if (key == "root") return Place::root;
      if (key == "process") return Place::process;
      if (key == "mounts") return Place::mounts;
      if (key == "linux") return Place::linux;
      if (key == "annotations") return Place::annotations;
      return Place::skip;
    case Place::process:
      if (key == "capabilities") return Place::capabilities;
      return key == "user" ? Place::user : Place::skip;
    case Place::capabilities:
      return Place::capability_set;
    case Place::mount:
      return key == "options" ? Place::options : Place::skip;
    default:
      return Place::skip;
  }
}

bool is_array(Place place) {
  return place == Place::mounts || place == Place::options || place == Place::capability_set;
}

// The runtime-spec's type at a place; `any` if nothing is kept.
enum class Type { any, string, number, object, array };

Type scalar_of(Place place, std::string_view key) {
  switch (place) {
    case Place::root:
      return key == "path" ? Type::string : Type::any;
    case Place::user:
      return key == "uid" || key == "gid" ? Type::number : Type::any;
    case Place::mount:
      return key == "destination" || key == "source" || key == "type" ? Type::string : Type::any;
    case Place::linux:
      return key == "mountLabel" ? Type::string : Type::any;
    default:
      return Type::any;
  }
}

Type type_at(Place place, std::string_view key) {
  switch (place) {
    case Place::document:
    case Place::mounts:
      return Type::object;
    case Place::options:
    case Place::capability_set:
    case Place::annotations:
      return Type::string;
    default: {
      const Place child = child_of(place, key);
      if (child == Place::skip) return scalar_of(place, key);
      return is_array(child) ? Type::array : Type::object;
    }
  }
}

std::string_view name_of(Type type) {
  switch (type) {
    case Type::string:
      return "a string";
    case Type::number:
      return "a 32-bit number";
    case Type::object:
      return "an object";
    default:
      return "an array";
  }
}

class SpecHandler : public JsonHandler {
 public:
  explicit SpecHandler(Spec& spec) : spec_(spec) {}

  bool Key(const char* text, rapidjson::SizeType size, bool) {
    if (place() == Place::skip) return true;
    key_.assign(text, size);
    return place() != Place::top || first_time();
  }
  bool Bool(bool) { return fits(Type::any); }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    return place() == Place::skip || (fits(Type::string) && string({text, size}));
  }
  bool Uint(unsigned value) { return place() == Place::skip || (fits(Type::number) && number(value)); }
  bool Int(int) { return fits(Type::any); }
  bool Int64(std::int64_t) { return fits(Type::any); }
  bool Uint64(std::uint64_t) { return fits(Type::any); }
  bool Double(double) { return fits(Type::any); }
  bool StartObject() { return fits(Type::object) && enter(object_place()); }
  bool StartArray() {
    if (!fits(Type::array)) return false;
    const Place place = depth_ == 0 ? Place::skip : child_of(this->place(), key_);
    return enter(is_array(place) ? place : Place::skip);
  }
  bool EndObject(rapidjson::SizeType) { return leave(); }
  bool EndArray(rapidjson::SizeType) { return leave(); }

  std::string_view refusal() const { return refusal_; }

 private:
  Place place() const { return depth_ == 0 ? Place::document : places_[depth_ - 1]; }

  bool refuse(std::string reason) {
    refusal_ = std::move(reason);
    return false;
  }

  // The runtime rejects a config.json with a wrongly typed member, so we do too.
  bool fits(Type type) {
    if (place() == Place::skip) return true;
    const Type wanted = type_at(place(), key_);
    if (wanted == Type::any || wanted == type) return true;
    if (place() == Place::document) return refuse("is not an object");
    return refuse(fmt::format("'{}' {} {}", key_,
                              is_array(place()) ? "contains an element that is not" : "is not",
                              name_of(wanted)));
  }

  bool enter(Place place) {
    if (depth_ == places_.size()) return refuse(fmt::format("nested deeper than {} levels", json_max_depth));
    if (place == Place::mount) spec_.mounts.emplace_back();
    places_[depth_++] = place;
    return true;
  }
  bool leave() {
    --depth_;
    return true;
  }

  Place object_place() const {
    switch (place()) {
      case Place::document:
        return Place::top;
      case Place::mounts:
        return Place::mount;
      default: {
        const Place place = child_of(this->place(), key_);
        return is_array(place) ? Place::skip : place;
      }
    }
  }

  // Parsers disagree about which of two equal keys counts, so the runtime could use another value than the
  // one that we read.
  bool first_time() {
    const Place child = child_of(Place::top, key_);
    if (child == Place::skip) return true;
    bool& seen = seen_[static_cast<size_t>(child)];
    if (seen) return refuse(fmt::format("duplicate key '{}'", key_));
    return seen = true;
  }

  bool string(std::string_view value) {
    switch (place()) {
      case Place::root:
        if (key_ == "path") spec_.root_path = value;
        return true;
      case Place::mount:
        return mount_member(value);
      case Place::options:
        if (value == "bind" || value == "rbind") spec_.mounts.back().bind = true;
        if (value == "exec") spec_.mounts.back().exec = true;
        if (value == "ro") spec_.mounts.back().read_only = true;
        return true;
      case Place::capability_set:
        if (value == "CAP_SYS_ADMIN") spec_.may_mount = true;
        return true;
      case Place::linux:
        if (key_ == "mountLabel") spec_.mount_label = value;
        return true;
      case Place::annotations:
        spec_.annotations.emplace_back(key_, value);
        return true;
      default:
        return true;
    }
  }

  bool mount_member(std::string_view value) {
    SpecMount& mount = spec_.mounts.back();
    if (key_ == "destination") mount.destination = value;
    if (key_ == "source") mount.source = value;
    if (key_ == "type") {
      mount.type = value;
      if (value == "bind") mount.bind = true;
    }
    return true;
  }

  bool number(std::uint32_t value) {
    if (place() == Place::user && key_ == "uid") spec_.uid = value;
    if (place() == Place::user && key_ == "gid") spec_.gid = value;
    return true;
  }

  Spec& spec_;
  std::array<Place, json_max_depth> places_{};
  size_t depth_ = 0;
  std::string key_;
  std::array<bool, 16> seen_{};
  std::string refusal_;
};

}  // namespace

const std::string* Spec::annotation(std::string_view key) const {
  for (const auto& [name, value] : annotations) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::vector<std::string> assigned_among(const std::vector<std::string>& names, std::string_view text) {
  std::vector<std::string> assigned;
  for (const std::string& name : names) {
    if (text.find(fmt::format("\"{}=", name)) != std::string_view::npos) assigned.push_back(name);
  }
  return assigned;
}

Result<Spec> parse_spec(const std::string& text, std::string_view source) {
  Spec spec;
  SpecHandler handler(spec);
  TRY(read_json(text, source, handler));
  if (spec.root_path.empty())
    return Error{ErrorKind::failed, fmt::format("{}: /root/path: is missing", source)};
  return spec;
}

}  // namespace oci_oauth
