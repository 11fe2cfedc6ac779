// SPDX-License-Identifier: Apache-2.0
// What each step on a token's way knows about the container that is being created.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fmt.h"
#include "base/process.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "delivery/container_ledger.h"
#include "oci/container_process.h"
#include "oci/spec.h"
#include "program/log.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

struct HookCall {
  const Config& config;
  std::vector<std::string> profiles;  // --profile
  const ContainerState& state;
  const Log& log;
  bool is_host_root = false;      // of the caller, process.h
  std::string installation = {};  // its prefix; empty: the running program's
};

struct CreateContext {
  const HookCall& call;
  const Spec& spec;
  std::string_view spec_text;
  const RuntimeDir& runtime;
  const ContainerProcess& process;
  ContainerLedger ledger;
  Result<ProcessId> identity;  // of `process`
  // All profiles together wait for at most the longest hook_wait, because the runtime's own timeout covers
  // them together too.
  SteadyTime began = std::chrono::steady_clock::now();

  void warn(const Profile& profile, std::string_view what, std::string_view hint) const {
    call.log.write(Priority::warning,
                   fmt::format("profile '{}', container {}: {}", profile.name, call.state.id, what), hint);
  }
};

}  // namespace oci_oauth
