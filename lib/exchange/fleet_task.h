// SPDX-License-Identifier: Apache-2.0
// What a person does with a fleet's login: its keys, moving it into the store and back, sealing it anew.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "exchange/credential_document.h"
#include "exchange/fleet_login.h"
#include "exchange/login_locks.h"
#include "exchange/login_store.h"
#include "worker/exchange_report.h"
#include "worker/exchange_request.h"

namespace oci_oauth {

// All tasks but a takeover, which is a refresh.
ExchangeReport do_fleet_task(const ExchangeRequest& request, const std::function<bool()>& stop,
                             const FleetOpener& opener);

// The document without its refresh token and its client's secret. Failure: one of them is also elsewhere in
// it.
Result<Secret> access_only(const CredentialDocument& document, const CredentialFields& fields);

// Moves the login of the host's own document into the store, as `next` says, which is joining, and leaves its
// access-only form, under the locks of a refresh; the next look makes it live. Failure: nothing was moved, or
// the next look goes on with it.
Result<void> move_in(FleetLogin& fleet, LoginStore& local, const Provider& provider, LoginRecord next,
                     std::vector<std::string>& notices);

// Makes the host's own file the access-only form of the fleet's login, for clients that run on this host,
// unless it already is. A file with another refresh token is left alone, with a notice. Result: the file's
// stamp; nullopt: there is none, or it was left alone.
std::optional<FileStamp> keep_access_only(LoginStore& local, LoginLocks& locks, const FleetLogin& fleet,
                                          const CredentialDocument& document, const Provider& provider,
                                          std::vector<std::string>& notices);

}  // namespace oci_oauth
