// SPDX-License-Identifier: Apache-2.0
// Second step: makes the profile's token as fresh as hook_wait allows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hook/creation.h"

namespace oci_oauth {

// A valid token is published.
struct Fresh {
  std::optional<Error> trouble;          // why there is no newer one
  std::vector<std::string> shadowed_by;  // variables that a client uses instead of the token
};

// Requests a refresh if one is needed, and waits for it if the token has expired or the login has changed.
// Failure: no valid token is published, and why.
Result<Fresh> freshen(const Creation& creation, const Profile& profile);

}  // namespace oci_oauth
