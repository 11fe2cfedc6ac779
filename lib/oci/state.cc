// SPDX-License-Identifier: Apache-2.0
#include "oci/state.h"

#include <algorithm>
#include <limits>

#include "base/fmt.h"
#include "base/json.h"

namespace oci_oauth {

namespace {

constexpr JsonField fields[] = {
    {"id", JsonType::string}, {"bundle", JsonType::string}, {"pid", JsonType::integer}};

Error bad(std::string_view reason) {
  return {ErrorKind::failed, fmt::format("state: {}", reason)};
}

}  // namespace

Result<ContainerState> parse_state(std::string_view text) {
  auto json = TRY(parse_json(text, "state"));
  TRY(check_types(json, "state", fields));
  ContainerState state;
  state.id = json_string(json, "id").value_or("");
  if (!is_valid_container_id(state.id)) return bad("has no valid container id");
  state.bundle = json_string(json, "bundle").value_or("");
  if (!state.bundle.starts_with('/') || state.bundle.find('\0') != std::string::npos) {
    return bad(fmt::format("bundle '{}' is not an absolute path", state.bundle));
  }
  const std::int64_t pid = json_member(json, "pid") == nullptr ? 0 : json_int(json, "pid").value_or(-2);
  if (pid < -1 || pid > std::numeric_limits<pid_t>::max()) return bad(fmt::format("'{}' is not a pid", pid));
  state.pid = static_cast<pid_t>(std::max<std::int64_t>(pid, 0));
  return state;
}

bool is_valid_container_id(std::string_view id) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '+' || c == '-';
  };
  return !id.empty() && id.size() <= 240 && id.front() != '.' && std::all_of(id.begin(), id.end(), allowed);
}

}  // namespace oci_oauth
