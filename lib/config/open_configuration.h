// SPDX-License-Identifier: Apache-2.0
// Finds and reads the configuration of the calling user.
#pragma once

#include <string>

#include "config/config.h"

namespace oci_oauth {

// The configuration at `named`, which is --config; if that is empty, at $OCI_OAUTH_CONFIG, else at the
// default place (scope.h). With a runtime_dir. Failure: kind configuration, also if there is no file.
Result<Config> open_configuration(const std::string& named);

}  // namespace oci_oauth
