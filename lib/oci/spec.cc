// SPDX-License-Identifier: Apache-2.0
#include "oci/spec.h"

#include <algorithm>

#include "base/fmt.h"
#include "base/json_reader.h"

namespace oci_oauth {

namespace {

Error bad(std::string_view reason) {
  return {ErrorKind::failed, fmt::format("state: {}", reason)};
}

using Member = JsonMember<Spec>;

template <const auto& table>
void object(JsonReader& json, Spec& spec) {
  read_members<Spec>(json, table, spec);
}

template <std::string Spec::*member>
void text(JsonReader& json, Spec& spec) {
  spec.*member = std::string(json.string());
}

template <std::uint32_t Spec::*member>
void number(JsonReader& json, Spec& spec) {
  spec.*member = json.uint32();
}

template <std::string SpecMount::*member>
void mount_text(JsonReader& json, Spec& spec) {
  spec.mounts.back().*member = std::string(json.string());
}

void options(JsonReader& json, Spec& spec) {
  SpecMount& mount = spec.mounts.back();
  for (json.enter(JsonKind::array); json.next_element();) {
    const std::string_view option = json.string();
    mount.bind |= option == "bind" || option == "rbind";
    mount.exec |= option == "exec";
    mount.read_only |= option == "ro";
  }
}

constexpr Member mount_members[] = {{"destination", mount_text<&SpecMount::destination>},
                                    {"type", mount_text<&SpecMount::type>},
                                    {"source", mount_text<&SpecMount::source>},
                                    {"options", options}};

void mounts(JsonReader& json, Spec& spec) {
  spec.mounts.reserve(32);
  for (json.enter(JsonKind::array); json.next_element();) {
    SpecMount& mount = spec.mounts.emplace_back();
    object<mount_members>(json, spec);
    mount.bind |= mount.type == "bind";
  }
}

void capabilities(JsonReader& json, Spec& spec) {
  for (json.enter(JsonKind::object); json.next_key();) {
    if (json.next() == JsonKind::null) {
      json.skip();
      continue;
    }
    for (json.enter(JsonKind::array); json.next_element();)
      spec.may_mount |= json.string() == "CAP_SYS_ADMIN";
  }
}

void annotations(JsonReader& json, Spec& spec) {
  json.enter(JsonKind::object);
  while (const auto key = json.next_key()) {
    std::string& value = spec.annotations.emplace_back(*key, "").second;
    if (json.next() == JsonKind::null) {
      json.skip();
      continue;
    }
    value = json.string();
    if (json.has_failed()) json.fail_in(spec.annotations.back().first);
  }
}

constexpr Member user_members[] = {{"uid", number<&Spec::uid>}, {"gid", number<&Spec::gid>}};
constexpr Member process_members[] = {{"user", object<user_members>}, {"capabilities", capabilities}};
constexpr Member root_members[] = {{"path", text<&Spec::root_path>}};
constexpr Member linux_members[] = {{"mountLabel", text<&Spec::mount_label>}};
constexpr Member document_members[] = {{"root", object<root_members>},
                                       {"process", object<process_members>},
                                       {"mounts", mounts},
                                       {"linux", object<linux_members>},
                                       {"annotations", annotations}};

}  // namespace

Result<ContainerState> parse_state(std::string_view text) {
  auto state = TRY(read_record<ContainerState>(text, "state"));
  if (!is_valid_container_id(state.id)) return bad("has no valid container id");
  if (!state.bundle.starts_with('/') || state.bundle.find('\0') != std::string::npos) {
    return bad(fmt::format("bundle '{}' is not an absolute path", state.bundle));
  }
  if (state.pid < -1) return bad(fmt::format("'{}' is not a pid", state.pid));
  state.pid = std::max(state.pid, 0);
  return state;
}

bool is_valid_container_id(std::string_view id) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '+' || c == '-';
  };
  return !id.empty() && id.size() <= 240 && id.front() != '.' && std::all_of(id.begin(), id.end(), allowed);
}

const std::string* Spec::annotation(std::string_view key) const {
  for (const auto& [name, value] : annotations) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::vector<std::string> assigned_among(const std::vector<std::string>& names, std::string_view text) {
  std::vector<std::string> assigned;
  for (const std::string& name : names) {
    // Not string_view::find, which looks closer at each quotation mark.
    const std::string start = fmt::format("\"{}=", name);
    if (::memmem(text.data(), text.size(), start.data(), start.size()) != nullptr) assigned.push_back(name);
  }
  return assigned;
}

Result<Spec> parse_spec(std::string_view text, std::string_view source) {
  Spec spec;
  JsonReader json(text);
  object<document_members>(json, spec);
  TRY(json.finish(source));
  if (spec.root_path.empty())
    return Error{ErrorKind::failed, fmt::format("{}: /root/path: is missing", source)};
  return spec;
}

}  // namespace oci_oauth
