// SPDX-License-Identifier: Apache-2.0
// How the ids of a user namespace, or of an idmapped mount, correspond to those of the reader, according to
// the kernel and not to a config.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace oci_oauth {

class IdMap {
 public:
  // The text of /proc/PID/uid_map or gid_map, user_namespaces(7), or the strings that statmount(2) returns
  // for an idmapped mount: "inside outside count", separated by white space or NUL. Failure: `source`, if the
  // text is anything else.
  static Result<IdMap> parse(std::string_view text, std::string_view source);

  // nullopt if the id is not mapped.
  std::optional<std::uint32_t> outside(std::uint32_t inside) const;
  std::optional<std::uint32_t> inside(std::uint32_t outside) const;

 private:
  struct Range {
    std::uint32_t inside, outside, count;
  };
  std::vector<Range> ranges_;
};

}  // namespace oci_oauth
