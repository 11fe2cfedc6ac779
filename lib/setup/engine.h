// SPDX-License-Identifier: Apache-2.0
// The engines that can be registered: what each needs in its files, derived from their current content, and
// its state.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/engine_name.h"
#include "delivery/hook_entry.h"
#include "setup/change.h"
#include "setup/configuration.h"
#include "setup/host.h"

namespace oci_oauth {

enum class Default { as_is, ours };

// A planner fills in the files and what is to be said of them; engine.cc does the rest.
struct Plan {
  std::vector<Change> changes = {};
  std::vector<std::string> notes = {};  // what a person should know
  std::vector<std::string> next = {};   // what a person must do for it to take effect
  std::string real_runtime = {};  // what the wrapper must run instead of the default; empty: the default
  std::string unread = {};        // why the engine will not read it; empty: it will
  std::string withdrawn = {};     // what an uninstall left behind for now, and why; empty: nothing

  std::string engine = {};
  bool is_removal = false;
  std::vector<std::string> units = {};  // to enable, or to disable
  Ledger ledger = {};                   // as it is afterwards

  bool is_done() const { return changes.empty() && units.empty(); }
};

struct EngineState {
  std::string engine;
  enum {
    absent,        // not installed on this machine
    unregistered,  // `remedy` registers it
    broken,        // it was registered, but the engine may not start with its current files
    unread,        // it is registered, but the engine is configured to look elsewhere
    withdrawn,     // it was uninstalled, but something has to stay for now
    registered,
  } state = absent;
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
Result<Plan> plan_removal(Host& host, const std::string& engine);

// The engines in the ledger, and those whose files contain something of ours; sorted.
Result<std::vector<std::string>> registered_engines(Host& host);

// The command that makes the engine of this machine read its files again; empty if it does so by itself.
std::string reload_command(const Host& host, std::string_view engine);

// The ids, short and sorted, of running containers that were started through the wrapper, as containerd's
// shims record them below /run (Docker's too). The shims run it until the container ends: without it, nobody
// can exec in them, and what they leave behind prevents a restart.
std::vector<std::string> containers_run_by_wrapper(const Host& host);

// One planner for each engine. Failure: an engine's file cannot be read or parsed, or its content conflicts
// with ours.
Result<Plan> plan_podman(const Host& host, Default as_default);
Result<Plan> plan_crio(const Host& host, Default as_default);
Result<Plan> plan_docker(const Host& host, Default as_default);
Result<Plan> plan_containerd(const Host& host, Default as_default);
Result<Plan> plan_cdi(const Host& host, Default as_default);
// What uninstall does instead of the opposite of plan_docker, plan_containerd: what stays for now, and why.
// Failure: our part of the file cannot be distinguished from the rest.
Result<Plan> plan_docker_removal(const Host& host);
Result<Plan> plan_containerd_removal(const Host& host);

// The engine's own check of its file; a success if it has none. Failure: it would not start with that text.
Result<void> check_docker(const Host& host, const std::optional<std::string>& text);
Result<void> check_containerd(const Host& host, const std::optional<std::string>& text);

// The CDI spec that makes each profile a device: --device oci-oauth.dev/profile=NAME (Container Device
// Interface, SPEC.md).
constexpr std::string_view cdi_kind = "oci-oauth.dev/profile";

struct CdiDevice {
  std::string profile;
  std::vector<std::string> environment;  // "NAME=value", from environment_of(provider, profile, target)
};

// Result: the text of the spec, indented. A device's variables override a person's, so each device with
// variables has a counterpart without, NAME:no-env. The cdiVersion is the lowest one with the fields that are
// used, because engines refuse versions that they do not know. Failure (configuration): a profile whose name
// is not allowed for a CDI device, and a spec without devices.
Result<std::string> cdi_spec(const std::vector<CdiDevice>& devices, const HookProgram& hook);

}  // namespace oci_oauth
