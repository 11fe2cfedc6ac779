// SPDX-License-Identifier: Apache-2.0
#include "token/follower_state.h"

#include <signal.h>

#include <cerrno>

namespace oci_oauth {

bool FollowerState::is_following() const {
  return is_connected && (::kill(process, 0) == 0 || errno == EPERM);
}

}  // namespace oci_oauth
