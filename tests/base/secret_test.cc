// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <type_traits>

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("a secret is moved, never copied") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Secret>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<Secret>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<Secret>);
}

TEST_CASE("the text that a secret was made of is emptied") {
  std::string text = "short";
  const Secret secret(std::move(text));
  CHECK(text.empty());
  CHECK(secret.reveal() == "short");
}

TEST_CASE("wiping overwrites every byte of the text before it is emptied") {
  std::string text = "token";
  const char* bytes = text.data();
  wipe(text);
  CHECK(text.empty());
  CHECK(std::string_view(bytes, 5) == std::string_view("\0\0\0\0\0", 5));
}
