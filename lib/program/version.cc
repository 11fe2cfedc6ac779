// SPDX-License-Identifier: Apache-2.0
#include "program/version.h"

namespace oci_oauth {

std::string_view version() {
  return OCI_OAUTH_VERSION;
}

}  // namespace oci_oauth
