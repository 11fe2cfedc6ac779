// SPDX-License-Identifier: Apache-2.0
// What a hook needs of a bundle's config.json (OCI runtime-spec, config.md); everything else is skipped, not
// kept.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace oci_oauth {

struct SpecMount {
  std::string destination, type, source;
  bool bind = false;  // type "bind", or an option "bind" or "rbind"
  bool exec = false;  // option "exec"
};

struct IdMapping {
  std::uint32_t container_id = 0, host_id = 0, size = 0;
};

struct Spec {
  std::string root_path;                              // may be relative to the bundle
  std::uint32_t uid = 0, gid = 0;                     // process.user, as the container sees it
  std::vector<SpecMount> mounts;                      // in order: a later one covers an earlier one
  std::vector<IdMapping> uid_mappings, gid_mappings;  // empty: no user namespace of its own
  std::string mount_label;                            // linux.mountLabel
  bool may_mount = false;                             // CAP_SYS_ADMIN is among process.capabilities
  std::vector<std::pair<std::string, std::string>> annotations;

  const std::string* annotation(std::string_view key) const;
  // The ids that process.user and the container's root have in the caller's user namespace; nullopt where
  // unmapped.
  std::optional<Owner> user_on_host() const;
  std::optional<Owner> root_on_host() const;
};

// One pass without building a document: this is most of what a hook does for a container that nobody chose.
// Failure: "config.json:LINE:COLUMN: reason" where the text is not JSON, nests too deep, or has another type
// at a member that is kept (null counts as absent, as for the runtimes).
Result<Spec> parse_spec(const std::string& text, std::string_view source);

}  // namespace oci_oauth
