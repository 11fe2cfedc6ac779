// SPDX-License-Identifier: Apache-2.0
// The hook's work for a container that is being created: choose, refresh, prepare, record and deliver, in
// this order.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "hook/create_context.h"
#include "hook/delivery.h"

namespace oci_oauth {

struct Creation {
  // Failure: only for a profile with on_failure "block" whose token the container does not have; it must not
  // be created.
  Result<void> verdict = {};
  // What was read and opened, which a process that ends need not free and close one by one.
  std::optional<Spec> spec = {};
  std::optional<RuntimeDir> runtime = {};
  std::optional<ContainerProcess> process = {};
  std::vector<Delivery> deliveries = {};
};

// Delivers each profile that a person chose for this container. Problems are logged, with a hint.
Creation create_runtime(const HookCall& call);

}  // namespace oci_oauth
