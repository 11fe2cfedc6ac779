// SPDX-License-Identifier: Apache-2.0
#include "base/fingerprint.h"

#include <sha256.h>
#include <string.h>

namespace oci_oauth {

// From libmd: a static program gets only these few functions, and no library initialisation.
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
