// SPDX-License-Identifier: Apache-2.0
// The configuration that `install` writes if there is none: a profile for each login that is named, or found
// in a user's home.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/result.h"
#include "config/config.h"
#include "config/provider.h"
#include "setup/change.h"
#include "setup/host.h"

namespace oci_oauth {

struct UserHome {
  std::string directory;  // absolute
  uid_t uid = 0;
  std::string user;            // the name
  GetEnvironment environment;  // of the user's programs
};

// The calling user's, which is $HOME as for the user's programs or, without an absolute one, that of the
// password database. If the caller is root, that of the user who ran sudo(8); then the environment, which is
// not the user's, counts for nothing. Failure (usage): SUDO_USER and SUDO_UID are different users in the
// password database, or the caller has no home.
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

// The tree's directories of providers, and that of this installation for a tree that has none yet.
std::vector<std::string> provider_places(const Host& host);

// The login of `credentials`, which is Claude Code's unless `provider` says otherwise; the one of `provider`
// in the caller's home; or all of the caller's home.
struct LoginChoice {
  std::optional<std::string> credentials = {}, provider = {};
};

struct PlannedConfiguration {
  Change change;                   // of the whole file if that is ours to write, otherwise of none of it
  std::vector<std::string> notes;  // for each profile that is new, or missing in a person's file
};

// A configuration with the chosen profiles. Failure: no login for a new configuration, or none of those that
// were named; the configuration cannot be read, or is a person's and has no profile for a login that was
// named.
Result<PlannedConfiguration> plan_configuration(const Host& host, const LoginChoice& choice);

// Makes it name the wrapper's runtime too. Failure: it names another one.
Result<void> set_runtime(Change& change, const std::string& real_runtime);

// The host's configuration as it will be, or as it is; without one, a profile for Claude. Failure: it cannot
// be read.
Result<Config> configuration_of(const Host& host);

}  // namespace oci_oauth
