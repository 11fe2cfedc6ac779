// SPDX-License-Identifier: Apache-2.0
// What the checks know of the host, and how they ask it: facts and two questions, which tests answer
// themselves.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/spawn.h"
#include "config/scope.h"
#include "setup/engine.h"

namespace oci_oauth {

// Whether the kernel has them, each found out by a call: it says nothing about the kernel's version.
struct KernelFeatures {
  bool openat2 = true, mount_calls = true, close_range = true, landlock = true;
};

// The runtime directory and its share/.
struct RuntimeDirectoryView {
  enum { missing, refused, there } state = missing;
  Error error = {};                  // why it was refused
  bool is_in_memory = false;         // share/, or what it would be created on
  bool has_own_file_system = false;  // share/
};

// One that outlived the runtime directory that its token was mounted from: logind(8) removes a user's
// $XDG_RUNTIME_DIR, and with it all tokens and records of containers, after the last logout.
struct StrandedContainer {
  pid_t process = 0;   // one in the container
  std::string target;  // in the container, with proc(5)'s escapes

  friend bool operator==(const StrandedContainer&, const StrandedContainer&) = default;
};

struct HostView {
  Scope scope = Scope::system;
  bool is_root = false;  // is_host_root()
  bool has_systemd = false, lingers = true;
  bool has_gvisor = false;
  KernelFeatures kernel = {};
  RuntimeDirectoryView runtime_directory = {};
  std::vector<StrandedContainer> stranded = {};  // a user's own; empty for root
  std::vector<EngineState> engines = {};
  std::function<Result<bool>()> docker_has_taken_up = {};
  // As run_command().
  std::function<Result<CommandOutput>(const std::vector<std::string>& command, Milliseconds bound)> run = {};
};

// Those of processes that the caller may examine, for a runtime directory at this path.
std::vector<StrandedContainer> stranded_containers(const std::string& runtime_dir);

HostView view_of_this_host(const std::string& runtime_dir);

}  // namespace oci_oauth
