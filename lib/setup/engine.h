// SPDX-License-Identifier: Apache-2.0
// The engines that we can be registered with: what they are called, how they are set up, and how they stand.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/engine_name.h"
#include "setup/plan.h"

namespace oci_oauth {

struct EngineState {
  std::string engine;
  enum {
    absent,        // it is not on this machine
    unregistered,  // `remedy` registers it
    broken,        // it was registered, and the engine may not start with what it finds there
    unread,        // it is registered, but the engine is configured to look elsewhere
    withdrawn,     // it was taken out, and something has to stay for now
    registered,
  } state;
  std::string file;     // that holds the registration, or would
  std::string message;  // how it stands, after the engine's name
  std::string remedy;   // the command or act that mends it
};

// For an engine that is configured to look elsewhere.
constexpr const char* unread_remedy = "add it to the list, or remove hooks_dir";

// Every engine of the tree at `root`, seen with the caller's eyes: a user sees the user's own registrations.
std::vector<EngineState> inspect_engines(const std::string& root);

struct InstallRequest {
  std::string engine;
  std::optional<std::string> credentials = {};  // of a new configuration
  Default as_default = Default::as_is;
};

// All that will be done: files, then units.
struct Installation {
  Registration registration;
  std::vector<std::string> units;  // to enable, or to disable
  std::string unread;              // why the engine will not see it
  std::vector<std::string> next;   // what is left for a person to do
};

// Failure: an unknown engine (usage), one that only root can set up, or as plan_install, plan_configuration;
// the engine would not start with it.
Result<Installation> plan_installation(const Host& host, const InstallRequest& request);

// Failure: an unknown engine (usage), or as plan_uninstall; the engine would not start with what is left.
Result<Installation> plan_removal(const Host& host, const std::string& engine);

// The engines that the ledger knows, and those in whose files something of ours is found; sorted.
Result<std::vector<std::string>> registered_engines(const Host& host);

// The command that makes the engine read its files again; empty where it does so by itself.
std::string reload_command(const Host& host, std::string_view engine);

// Makes a running dockerd read its file again (SIGHUP, as systemctl reload does). False: none runs here.
bool reload_docker(const Host& host);

// Whether Docker's running daemon has taken the registration up. Failure: it does not answer.
Result<bool> docker_has_taken_up();

}  // namespace oci_oauth
