// SPDX-License-Identifier: Apache-2.0
// Finds the logins in a user's home that a profile can be made for.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/process.h"
#include "base/result.h"
#include "config/provider.h"

namespace oci_oauth {

struct UserHome {
  std::string directory;  // absolute
  uid_t uid = 0;
  std::string user;            // the name
  GetEnvironment environment;  // of the user's programs
};

// The calling user's, or that of the user who ran sudo(8) if the caller is root; then the environment, which
// is not the user's, counts for nothing. Failure (usage): SUDO_USER and SUDO_UID are different users in the
// password database, or the caller is not in it.
Result<UserHome> home_of_caller();

struct FoundLogin {
  std::string provider;          // its name
  std::string path;              // where its client keeps the login
  std::string entry = {};        // which one, if the file has several
  std::string client_file = {};  // the file with its client, if that is separate
  // Failure: there is none (not_found), another user could have put it there, it cannot be read, or it has no
  // refresh token; "PATH: reason". One of several is usable until its access token expires.
  Result<void> usable = {};
  std::string lacks = {};  // of one of several: what a refresh needs and does not find
};

// The place of each provider that has one, in their order: of a file with several logins each that has a
// token, and of several files each.
// `directories`: where the providers are from.
std::vector<FoundLogin> find_logins(const UserHome& home, const std::vector<Provider>& providers,
                                    const std::vector<std::string>& directories);

}  // namespace oci_oauth
