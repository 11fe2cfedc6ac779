// SPDX-License-Identifier: Apache-2.0
// The engines that can be registered: their names, how they are set up, and their state.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/engine_name.h"
#include "setup/configuration.h"
#include "setup/plan.h"

namespace oci_oauth {

struct EngineState {
  std::string engine;
  enum {
    absent,        // not installed on this machine
    unregistered,  // `remedy` registers it
    broken,        // it was registered, but the engine may not start with its current files
    unread,        // it is registered, but the engine is configured to look elsewhere
    withdrawn,     // it was uninstalled, but something has to stay for now
    registered,
  } state;
  std::string file = {};     // the file with the registration, or for it
  std::string message = {};  // the state, to follow the engine's name
  std::string remedy = {};   // the command or instruction that fixes it
  std::string reload = {};   // as reload_command(), if it is registered
};

// For an engine that is configured to look elsewhere.
constexpr const char* unread_remedy = "add it to the list, or remove hooks_dir";

// Every engine of the tree at `root`, as the caller sees it: a user sees the user's own registrations. If
// that cannot be seen, one broken state without an engine says why.
std::vector<EngineState> inspect_engines(const std::string& root);

bool has_gvisor(const Host& host);  // runsc is installed

// Everything that will be done to register the engine: files, then units. Failure: an unknown engine (usage),
// one that only root can set up, or as its planner, plan_configuration, set_runtime; the engine would not
// start with the result.
Result<Plan> plan_installation(Host& host, const std::string& engine, const LoginChoice& login = {},
                               Default as_default = Default::as_is);

// The opposite. What a ledger that was lost had is found by what is in the files. Failure: an unknown engine
// (usage), or as its planner; the engine would not start with the result.
Result<Plan> plan_removal(const Host& host, const std::string& engine);

// The engines in the ledger, and those whose files contain something of ours; sorted.
Result<std::vector<std::string>> registered_engines(const Host& host);

// The command that makes the engine of this machine read its files again; empty if it does so by itself.
std::string reload_command(const Host& host, std::string_view engine);

// Makes a running dockerd read its file again (SIGHUP, as systemctl reload does). False: none is running.
bool reload_docker(const Host& host);

// The ids, short and sorted, of running containers that were started through the wrapper, as containerd's
// shims record them below /run (Docker's too). The shims run it until the container ends: without it, nobody
// can exec in them, and what they leave behind prevents a restart.
std::vector<std::string> containers_run_by_wrapper(const Host& host);

// Whether the running Docker daemon has read the registration. Failure: it does not answer.
Result<bool> docker_has_taken_up();

}  // namespace oci_oauth
