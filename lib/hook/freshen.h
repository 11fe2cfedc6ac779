// SPDX-License-Identifier: Apache-2.0
// Second step: the profile's token is as fresh as hook_wait allows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hook/creation.h"

namespace oci_oauth {

// A valid token is published.
struct Fresh {
  std::optional<Error> trouble;          // why it is not a newer one
  std::vector<std::string> shadowed_by;  // variables that a client obeys before it looks at the token
};

// Asks for a refresh where one is needed, and waits for it where the token has expired or the login changed.
// Failure: no valid token is published, and why.
Result<Fresh> freshen(const Creation& creation, const Profile& profile);

}  // namespace oci_oauth
