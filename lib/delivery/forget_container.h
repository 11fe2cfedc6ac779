// SPDX-License-Identifier: Apache-2.0
// What is left of a container that is gone goes: its written files and its record.
#pragma once

#include <vector>

#include "delivery/container_record.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

// `others` may hold the record itself; a written directory that a running container of them has too keeps its
// files. So does one that another directory took the place of, and each file that remove_delivered() spares.
void forget_container(const RuntimeDir& runtime, const ContainerRecord& record,
                      const std::vector<ContainerRecord>& others);

}  // namespace oci_oauth
