// SPDX-License-Identifier: Apache-2.0
#include "exchange/fingerprint.h"

#include <fmt/format.h>
#include <openssl/evp.h>

namespace oci_oauth {

std::string fingerprint(const Secret& token) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  const std::string_view text = token.reveal();
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

}  // namespace oci_oauth
