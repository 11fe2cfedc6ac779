// SPDX-License-Identifier: Apache-2.0
#include "base/printable.h"

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("letters of any language stay, and what moves the cursor or turns the text round does not") {
  CHECK(printable("Zugriff verweigert: nö 拒否 😀") == "Zugriff verweigert: nö 拒否 😀");
  CHECK(printable("a\x1b[31mb\r\n\x07\x7f") == "a?[31mb????");
  CHECK(printable("\u009b2J\u202egnp\u2066x\u200bz\ufeff") == "?2J?gnp?x?z?");
  CHECK(printable("\xc2\x9b") == "?");  // the one-byte CSI of ISO 6429, as UTF-8
  CHECK(printable(std::string_view("a\0b", 3)) == "a?b");
  CHECK(printable("half \xc3") == "half ?");
  CHECK(printable("caf\xe9 \xe2\x82") == "caf? ??");
  CHECK(printable("") == "");
}

TEST_CASE("a long text is cut between two characters") {
  const std::string text = printable(std::string(299, 'x') + "\u00f6\u00f6", 300);
  CHECK(text == std::string(299, 'x') + "...");
}
