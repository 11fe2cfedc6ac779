// SPDX-License-Identifier: Apache-2.0
// The manual's tables of the keys that lib/config/keys.h describes, in mdoc(7).
#pragma once

#include <string>
#include <string_view>

namespace oci_oauth {

// `source` with each line "@KEYS OBJECT@" replaced by that object's table: config, profile, sink, onecli,
// provider, credentials, deliver, lock, api.
std::string config_manual_page(std::string_view source);

}  // namespace oci_oauth
