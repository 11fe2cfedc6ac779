// SPDX-License-Identifier: Apache-2.0
// What a person asked for in a bundle's config.json (OCI runtime-spec, config.md); everything else is
// skipped, not kept. What the container has is the kernel's to tell: container_process.h, mount_info.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace oci_oauth {

struct SpecMount {
  std::string destination, type, source;
  bool bind = false;       // type "bind", or an option "bind" or "rbind"
  bool exec = false;       // option "exec"
  bool read_only = false;  // option "ro"
};

struct Spec {
  std::string root_path;           // may be relative to the bundle
  std::uint32_t uid = 0, gid = 0;  // process.user, as the container sees it
  std::vector<SpecMount> mounts;   // in order: a later one covers an earlier one
  std::string mount_label;         // linux.mountLabel
  bool may_mount = false;          // CAP_SYS_ADMIN is among process.capabilities
  std::vector<std::pair<std::string, std::string>> annotations;

  const std::string* annotation(std::string_view key) const;
};

// Which of `names` have a value in an array of assignments in the text of config.json: process.env, as
// nothing else there has such variables. Costs a search for each, and no pass over the document.
std::vector<std::string> assigned_among(const std::vector<std::string>& names, std::string_view text);

// One pass without building a document: this is most of what a hook does for a container that nobody chose.
// Failure: "config.json:LINE:COLUMN: reason" where the text is not JSON, nests too deep, or has another type
// at a member that is kept (null counts as absent, as for the runtimes).
Result<Spec> parse_spec(const std::string& text, std::string_view source);

}  // namespace oci_oauth
