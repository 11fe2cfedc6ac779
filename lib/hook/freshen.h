// SPDX-License-Identifier: Apache-2.0
// Second step: makes the profile's token as fresh as hook_wait allows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hook/create_context.h"
#include "token/records.h"

namespace oci_oauth {

// A valid token is published.
struct Fresh {
  std::optional<Error> trouble;          // why there is no newer one
  std::vector<std::string> shadowed_by;  // variables that a client uses instead of the token
};

enum class LoginChange { unchanged, changed };  // since the token was published
// What the state of a token requires.
enum class Need {
  nothing,  // the token is fresh, or a refresh would have the same result
  refresh,  // it is valid, and due
  wait      // there may be a valid one after a refresh
};
Need need_of(const std::optional<Published>& published, LoginChange login, Time time);

// Judged by the token that is there at `time`, whatever the refresh did that was `asked` for. Failure: as
// freshen().
Result<Fresh> judge(const std::optional<Published>& published, Result<void> asked, Time time);

// Requests a refresh if one is needed, and waits for it if the token has expired or the login has changed.
// Failure: no valid token is published, and why.
Result<Fresh> freshen(const CreateContext& context, const Profile& profile);

}  // namespace oci_oauth
