// SPDX-License-Identifier: Apache-2.0
// Podman's stage before a container is created: a config.json comes in, and the one to use goes out
// (oci-hooks(5), "precreate").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "program/log.h"

namespace oci_oauth {

// Result: the config.json with the environment of each profile that a person chose for the container; the
// same text where there is none. What goes wrong is logged, and the text comes back as it was.
std::string precreate(const std::string& text, const Config& config, const std::vector<std::string>& profiles,
                      const Log& log);

}  // namespace oci_oauth
