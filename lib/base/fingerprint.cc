// SPDX-License-Identifier: Apache-2.0
#include "base/fingerprint.h"

#include <sha256.h>
#include <string.h>

namespace oci_oauth {

// libmd's: a static program gets these few functions of it, and no library's start-up.
std::string fingerprint(std::string_view text) {
  SHA256_CTX context;
  char hex[SHA256_DIGEST_STRING_LENGTH];
  ::SHA256Init(&context);
  ::SHA256Update(&context, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  ::SHA256End(&context, hex);
  ::explicit_bzero(&context, sizeof context);
  return hex;
}

}  // namespace oci_oauth
