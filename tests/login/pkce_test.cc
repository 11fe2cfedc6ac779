// SPDX-License-Identifier: Apache-2.0
#include "login/pkce.h"

#include <set>

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("the challenge of RFC 7636 appendix B") {
  CHECK(code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") ==
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST_CASE("a word has 43 characters that a URL may contain, and does not come twice") {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const Secret word = random_word();
    CHECK(word.reveal().size() == 43);
    CHECK(word.reveal().find_first_not_of(
              "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == std::string_view::npos);
    seen.emplace(word.reveal());
  }
  CHECK(seen.size() == 100);
}

TEST_CASE("a word equals itself alone") {
  CHECK(is_same_word("abc", "abc"));
  CHECK_FALSE(is_same_word("abc", "abd"));
  CHECK_FALSE(is_same_word("abc", "ab"));
  CHECK_FALSE(is_same_word("", "a"));
}
