// SPDX-License-Identifier: Apache-2.0
// What a runtime passes to a hook (OCI runtime-spec): the container's state on stdin (runtime.md "State"),
// and what a person asked for in the bundle's config.json (config.md); everything else is skipped, not kept.
// What the container really has is known to the kernel: container_process.h, mount.h.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/record.h"
#include "base/result.h"

namespace oci_oauth {

inline constexpr size_t state_limit = MiB;      // the state on a hook's stdin
inline constexpr size_t spec_limit = 16 * MiB;  // config.json, and the process of an exec

struct ContainerState {
  std::string id;
  // 0 if there is none: at poststop, where some runtimes write -1, and in stages that run inside the
  // container.
  pid_t pid = 0;
  std::string bundle;  // absolute
};

void describe(auto& each, RecordOf<ContainerState> auto& state) {
  each("id", state.id);
  each("bundle", state.bundle);
  each("pid", state.pid);
}

// Failure: "state: reason" if the text is not JSON, not an object, or lacks an id or an absolute bundle.
Result<ContainerState> parse_state(std::string_view text);

// An id is part of file names: true for 1 to 240 characters of [A-Za-z0-9_.+-] that do not start with a dot.
bool is_valid_container_id(std::string_view id);

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

// Which of `names` are set in an array of assignments in the text of config.json: in process.env, because
// nothing else there contains such variables. Costs a search for each name, and no pass over the document.
std::vector<std::string> assigned_among(const std::vector<std::string>& names, std::string_view text);

// One pass without building a document: this is most of what a hook does for a container that nobody chose.
// Failure: "SOURCE:LINE:COLUMN: /POINTER: reason" where a member that is kept has another type (null counts
// as absent, as for the runtimes) or is there twice, and where the text is not JSON on the way to one, or
// nests too deep. What is passed over is the runtime's to refuse, which parses it all.
Result<Spec> parse_spec(std::string_view text, std::string_view source);

}  // namespace oci_oauth
