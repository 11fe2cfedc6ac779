// SPDX-License-Identifier: Apache-2.0
// What the hook does for a container that is being created, and for one that is gone.
#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "oci/state.h"
#include "token/config.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

struct HookCall {
  const Config& config;
  std::vector<std::string> profiles;  // --profile
  const ContainerState& state;
  const Log& log;
};

// Delivers each profile that a person chose for this container. What goes wrong is logged, with its remedy.
// Failure: only for a profile with on_failure "block" that could not be served; the container must not be
// created.
Result<void> create_runtime(const HookCall& call);

// Removes what was written for the container, and its record.
void poststop(const HookCall& call);

}  // namespace oci_oauth
