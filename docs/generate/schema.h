// SPDX-License-Identifier: Apache-2.0
// The JSON Schemas (draft 4) of the files that lib/config/keys.h describes.
#pragma once

#include <string>

namespace oci_oauth {

std::string config_schema();
std::string provider_schema();

}  // namespace oci_oauth
