// SPDX-License-Identifier: Apache-2.0
// What the wrapper does before the runtime takes over: a chosen container gets our hooks and its environment.
#pragma once

#include <string>

#include "base/result.h"
#include "config/config.h"
#include "delivery/hook_entry.h"
#include "program/log.h"
#include "wrapper/runtime_call.h"

namespace oci_oauth {

struct Preparation {
  const Config& config;
  std::string prefix;  // of our installation
  HookProgram hook;
  const Log& log;
};

// Adds what is missing to the bundle's config.json; one of a container that nobody chose is not touched. What
// goes wrong is logged. Failure: only where a profile with on_failure "block" is concerned; a bundle that
// cannot be read concerns each profile.
Result<void> prepare_creation(const Preparation& preparation, const RuntimeCall& call);

// Adds the environment to the process of an exec in a container that was given a token: engines make that
// process from their own notes, not from the bundle. What goes wrong is logged.
void prepare_exec(const Preparation& preparation, const RuntimeCall& call);

}  // namespace oci_oauth
