// SPDX-License-Identifier: Apache-2.0
#include "base/fingerprint.h"

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("a fingerprint is the text's SHA-256, in hexadecimal digits") {
  // FIPS 180-4's examples:
  // https://csrc.nist.gov/projects/cryptographic-standards-and-guidelines/example-values
  CHECK(fingerprint("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(fingerprint("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(fingerprint(Secret(std::string_view("abc"))) == fingerprint("abc"));
}

TEST_CASE("a message names a token by eight digits of its fingerprint") {
  CHECK(short_fingerprint(fingerprint("abc")) == "#ba7816bf");
}
