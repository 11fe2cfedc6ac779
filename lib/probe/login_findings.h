// SPDX-License-Identifier: Apache-2.0
// The findings about a login and its token endpoint, from a process with the rights of the login's owner and
// nothing more.
#pragma once

#include <functional>

#include "config/config.h"
#include "config/provider.h"
#include "doctor/finding.h"
#include "http/http_request.h"

namespace oci_oauth {

// Whether it is readable, valid and writable; its owner, mode and links; a file mounted by itself; what an
// earlier run left behind.
Findings examine_login(const Profile& profile, const Provider& provider, Time now);

// Whether the command of a profile's source can be run; it is not.
Finding examine_command(const Profile& profile);

// The provider's locks beside the login: stale ones, and files that are not locks.
Findings examine_locks(const Profile& profile, const Provider& provider, Time now);

// Whether it is reachable, its certificate is trusted, and its clock agrees with ours.
using SendRequest = std::function<RequestResult(const HttpRequest&)>;
Finding examine_endpoint(const Profile& profile, const Provider& provider, Time now, const SendRequest& send);

}  // namespace oci_oauth
