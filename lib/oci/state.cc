// SPDX-License-Identifier: Apache-2.0
#include "oci/state.h"

#include <algorithm>

#include "base/fmt.h"

namespace oci_oauth {

namespace {

Error bad(std::string_view reason) {
  return {ErrorKind::failed, fmt::format("state: {}", reason)};
}

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

}  // namespace oci_oauth
