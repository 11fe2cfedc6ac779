// SPDX-License-Identifier: Apache-2.0
// What the checks know of the host, and how they ask it: facts and two questions, which tests answer
// themselves.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/command_output.h"
#include "config/scope.h"
#include "doctor/stranded_container.h"
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

HostView view_of_this_host(const std::string& runtime_dir);

}  // namespace oci_oauth
