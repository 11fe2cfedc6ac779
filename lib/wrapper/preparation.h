// SPDX-License-Identifier: Apache-2.0
// What the wrapper does before the real runtime: adds our hooks and environment to a chosen container's
// bundle.
#pragma once

#include <string>

#include "base/result.h"
#include "config/config.h"
#include "delivery/hook_entry.h"
#include "program/log.h"
#include "wrapper/runtime_call.h"

namespace oci_oauth {

// What the wrapper does for `call`: prepares the bundle of a container that is to be created, or the process
// of an exec. Failure: as prepare_creation().
Result<void> prepare_call(const Config& config, const RuntimeCall& call, const Log& log);

struct Preparation {
  const Config& config;
  std::string prefix;  // of our installation
  HookProgram hook;
  const Log& log;
};

// Adds what is missing to the bundle's config.json; that of a container that nobody chose is not touched.
// Problems are logged. Failure: only if a profile with on_failure "block" is affected; a bundle that cannot
// be read affects every profile.
Result<void> prepare_creation(const Preparation& preparation, const RuntimeCall& call);

// Adds the environment to the process of an exec in a container that was given a token, because engines build
// that process from their own records, not from the bundle. Problems are logged.
void prepare_exec(const Preparation& preparation, const RuntimeCall& call);

}  // namespace oci_oauth
