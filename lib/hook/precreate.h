// SPDX-License-Identifier: Apache-2.0
// Podman's stage before a container is created: reads a config.json, and prints the one to use (oci-hooks(5),
// "precreate").
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "program/log.h"

namespace oci_oauth {

// Result: the config.json with the environment variables of each profile that a person chose for the
// container; the same text if there are none. Problems are logged, and the text is returned unchanged.
std::string precreate(const std::string& text, const Config& config, const std::vector<std::string>& profiles,
                      const Log& log);

}  // namespace oci_oauth
