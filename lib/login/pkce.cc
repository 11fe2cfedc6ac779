// SPDX-License-Identifier: Apache-2.0
#include "login/pkce.h"

#include <string.h>
#include <sys/random.h>

#include <cerrno>
#include <charconv>
#include <stdexcept>

#include "base/base64.h"
#include "base/fingerprint.h"

namespace oci_oauth {

namespace {

constexpr size_t word_bytes = 32;

}  // namespace

Secret random_word() {
  char bytes[word_bytes];
  ssize_t filled;
  do {
    filled = ::getrandom(bytes, sizeof bytes, 0);
  } while (filled < 0 && errno == EINTR);
  if (filled != sizeof bytes) throw std::runtime_error("getrandom: no random bytes");
  Secret word(base64url({bytes, sizeof bytes}));
  ::explicit_bzero(bytes, sizeof bytes);
  return word;
}

std::string code_challenge(std::string_view verifier) {
  const std::string hex = fingerprint(verifier);
  std::string digest;
  for (size_t i = 0; i < hex.size(); i += 2) {
    unsigned char byte = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    digest += static_cast<char>(byte);
  }
  return base64url(digest);
}

bool is_same_word(std::string_view one, std::string_view other) {
  if (one.size() != other.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < one.size(); ++i) difference |= static_cast<unsigned>(one[i] ^ other[i]);
  return difference == 0;
}

}  // namespace oci_oauth
