// SPDX-License-Identifier: Apache-2.0
// Third step: everything that a delivery needs is open, and nothing in the container has changed but a
// directory that was made for a mount.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "delivery/choice.h"
#include "hook/creation.h"

namespace oci_oauth {

struct Prepared {
  Chosen chosen;
  UniqueFd share;        // the profile's share directory
  UniqueFd target;       // where to write or to mount; empty for a share that is bound in place
  UniqueFd tree;         // consent mount: the detached mount
  Owner owner = {0, 0};  // consent write: of the files
};

// Failure: names the target or the call that was refused.
Result<Prepared> prepare(const Creation& creation, const Chosen& chosen);

}  // namespace oci_oauth
