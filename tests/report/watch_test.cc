// SPDX-License-Identifier: Apache-2.0
#include "report/watch.h"

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("each line clears what is left of its old self, and the last one what is below") {
  CHECK(frame("a\nb\n", 24) == "\033[Ha\033[K\r\nb\033[K\033[J");
  CHECK(frame("", 24) == "\033[H\033[J");
}

TEST_CASE("a text that is longer than the screen does not scroll it") {
  CHECK(frame("a\nb\nc\n", 2) == "\033[Ha\033[K\r\nb\033[K\033[J");
}
