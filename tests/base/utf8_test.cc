// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("UTF-8 is told from other bytes") {
  CHECK(is_utf8("M\xc3\xbcller \xf0\x9f\x94\x91"));
  CHECK(is_utf8(std::string_view("a\0b", 3)));
  CHECK(is_utf8(""));
  for (const char* other : {"M\xfcller", "\xc3", "\xed\xa0\x80", "\xf0\x9f\x94"}) {
    CAPTURE(other);
    CHECK_FALSE(is_utf8(other));
  }
}

TEST_CASE("each code point is spelled, and read as one character") {
  for (unsigned code = 0; code < 0x110000; ++code) {
    const std::string character = utf8(code);
    const bool is_half = code >= 0xd800 && code < 0xe000;
    if (utf8_length(character) == (is_half ? 0 : character.size())) continue;
    FAIL("U+" << std::hex << code);
  }
  for (const char* other :
       {"\xc0\x80", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\x80", "\xff"})
    CHECK(utf8_length(other) == 0);
}
