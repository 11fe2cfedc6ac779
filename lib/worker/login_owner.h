// SPDX-License-Identifier: Apache-2.0
// Whose login is it: the user who could have put something else at the path. Guards against a user's symbolic
// link making root read or write another's file.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace oci_oauth {

struct LoginOwner {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  std::string name;  // for messages; "uid 1000" where passwd has none
};

// Walks the absolute `path` from "/" component by component without following, expanding symbolic links as
// text (at most 40): the first component (directory, link or file) that does not belong to root names the
// owner; none does: root. The file itself need not exist. Failure: "PATH: reason" for a missing directory, a
// loop, a component that is no directory.
Result<LoginOwner> find_login_owner(const std::string& path);

// Becomes that user for good: groups, gid, uid, no capability, no way back (setresuid(2)),
// PR_SET_NO_NEW_PRIVS. Without real root it succeeds only where the caller is that user already.
Result<void> become(const LoginOwner& owner);

// Landlock (landlock(7), Linux 5.13), after become(): from here on files can be changed beneath `writable`
// only; directories can be made and removed also beneath `lock_parents`. What is open already stays
// writable. Result: false where the kernel has no Landlock, and nothing is confined.
Result<bool> confine_writes(const std::string& writable, const std::vector<std::string>& lock_parents);

}  // namespace oci_oauth
