// SPDX-License-Identifier: Apache-2.0
// What is to be said of a login and its token endpoint, by a process that has the rights of the login's owner
// and nothing more.
#pragma once

#include "config/config.h"
#include "config/provider.h"
#include "doctor/finding.h"

namespace oci_oauth {

// Readable, understood, writable; owner, mode, links; a file mounted alone; what an earlier run left behind.
Findings examine_login(const Profile& profile, const Provider& provider, Time now);

// The provider's foreign locks beside the login: stale ones, and those that are no lock.
Findings examine_locks(const Profile& profile, const Provider& provider, Time now);

// Reachable, its certificate trusted, its clock and ours alike.
Findings examine_endpoint(const Profile& profile, const Provider& provider);

}  // namespace oci_oauth
