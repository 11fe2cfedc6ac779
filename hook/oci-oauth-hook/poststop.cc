// SPDX-License-Identifier: Apache-2.0
#include "poststop.h"

#include "delivery/forget_container.h"

namespace oci_oauth {

void poststop(const HookCall& call) {
  auto runtime = RuntimeDir::open(call.config.runtime_dir);
  if (!runtime) return;
  const UniqueFd directory = runtime->containers();
  auto record = load_record(directory.get(), call.state.id);
  if (!record) return;
  std::vector<ContainerRecord> others;
  if (has_written_directory(*record)) {
    if (auto listed = list_written_records(directory.get())) others = std::move(*listed);
  }
  forget_container(*runtime, *record, others);
}

}  // namespace oci_oauth
