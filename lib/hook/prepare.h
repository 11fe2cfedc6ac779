// SPDX-License-Identifier: Apache-2.0
// Third step: opens everything that a delivery needs. Nothing in the container changes, except that a
// directory may be created for a mount.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "delivery/choice.h"
#include "hook/create_context.h"

namespace oci_oauth {

struct Prepared {
  Chosen chosen;
  UniqueFd share;        // the profile's share directory
  UniqueFd target;       // where to write or to mount; empty for a share that is already bind-mounted
  UniqueFd tree;         // for Consent::mount: the detached mount
  Owner owner = {0, 0};  // for Consent::write: of the files
};

// Failure: names the target or the call that was refused.
Result<Prepared> prepare(const CreateContext& context, const Chosen& chosen);

}  // namespace oci_oauth
