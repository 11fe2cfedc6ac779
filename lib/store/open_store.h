// SPDX-License-Identifier: Apache-2.0
// The store that a fleet's configuration names.
#pragma once

#include <memory>

#include "config/config.h"
#include "fleet/store.h"
#include "http/http_request.h"

namespace oci_oauth {

// `identity`: empty if this host is known by a token.
std::unique_ptr<RecordStore> open_store(const FleetConfig& config, ClientIdentity identity);

}  // namespace oci_oauth
