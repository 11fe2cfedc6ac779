// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("the vectors of RFC 4648 section 10") {
  const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    CHECK(base64(bytes) == text);
    CHECK(from_base64(text) == bytes);
  }
}

TEST_CASE("every byte comes back") {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  for (size_t from = 0; from < 3; ++from)
    CHECK(from_base64(base64(bytes.substr(from))) == bytes.substr(from));
}

TEST_CASE("in an address there is no padding, and two digits are others") {
  CHECK(base64url("\xfb\xff\xfe") == "-__-");
  CHECK(base64url("f") == "Zg");
  CHECK(base64url("fo") == "Zm8");
  CHECK(from_base64url("-__-") == "\xfb\xff\xfe");
  CHECK(from_base64url("Zg") == "f");
  CHECK(from_base64url("Zm9vYg") == "foob");
  for (const char* const text : {"+//+", "Zg==", "Zm 9v"}) CHECK_FALSE(from_base64url(text));
}

TEST_CASE("only what base64() writes is read") {
  for (const char* const text : {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "==", "Zh==", "Zm9=", "Zm 9v",
                                 "Zm9v\n", "Zm-_", "Zg==Zg=="})
    CHECK_FALSE(from_base64(text));
}
