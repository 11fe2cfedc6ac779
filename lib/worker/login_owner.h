// SPDX-License-Identifier: Apache-2.0
// Who owns a login: the user who could have put something else at the path. Prevents a user's symbolic link
// from making root read or write another user's file.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace oci_oauth {

struct LoginOwner {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  std::string name;  // for messages; "uid 1000" if passwd has no name
};

// The owner of the first component of the absolute `path` that does not belong to root (path.h); if
// there is none, root. Failure: as find_other_owner().
Result<LoginOwner> find_login_owner(const std::string& path);

// Who runs a profile's exchange: the owner of its document, or the user of its command, which is root if it
// names none. Failure: as find_login_owner(); kind configuration for a user who does not exist.
Result<LoginOwner> owner_of(const Profile& profile);

// Becomes that user irrevocably: groups, gid, uid, no capabilities, no way back (setresuid(2)),
// PR_SET_NO_NEW_PRIVS. Without real root it succeeds only if the caller already is that user.
Result<void> become(const LoginOwner& owner);

// Landlock (landlock(7), Linux 5.13), after become(): from here on, files can be changed beneath `directory`
// only; for locks beside it, directories can also be created and removed beneath its parent. Open files stay
// writable. Result: false if the kernel has no Landlock, and nothing is confined.
Result<bool> confine_writes(const std::string& directory);

}  // namespace oci_oauth
