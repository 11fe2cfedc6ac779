// SPDX-License-Identifier: Apache-2.0
#include "report/text_table.h"

#include <stdlib.h>
#include <unistd.h>

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("width is what a terminal shows, not bytes") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("für") == 3);
  CHECK(display_width("日本") == 4);
  CHECK(display_width("e\u0301") == 1);  // a combining accent
  CHECK(display_width("") == 0);
}

TEST_CASE("columns are aligned by that width") {
  const std::vector<Row> rows = {{{"für"}, {"x"}}, {{"日本"}, {"y"}}, {{"plain"}, {"z"}}};
  CHECK(aligned(rows, Colour::no) == "für    x\n日本   y\nplain  z\n");
}

TEST_CASE("no line ends in spaces, and an empty cell keeps its place") {
  const std::vector<Row> rows = {{{"a"}, {""}, {"c"}}, {{"aa"}, {"bb"}, {""}}, {{"a"}}};
  CHECK(aligned(rows, Colour::no) == "a       c\naa  bb\na\n");
}

TEST_CASE("escape sequences are outside the width") {
  const std::vector<Row> rows = {{{"a", Tone::good}, {"b"}}, {{"long", Tone::bad}, {"b"}}};
  CHECK(aligned(rows, Colour::yes) == "\033[32ma\033[0m     b\n\033[31mlong\033[0m  b\n");
}

TEST_CASE("control characters and broken UTF-8 become question marks") {
  CHECK(printable("a\033[31m\x07\n\x7f") == "a?[31m???");
  CHECK(printable("caf\xe9 caf\xc3\xa9") == "caf? café");
  CHECK(printable(std::string_view("a\0b", 3)) == "a?b");
  CHECK(printable("\xc2\x9b") == "?");  // the one-byte CSI of ISO 6429, as UTF-8
  CHECK(printable("\xe2\x82") == "??");
}

TEST_CASE("what is not a terminal has no colour") {
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "xterm", 1);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);  // NOLINT(android-cloexec-pipe)
  CHECK(colour_of(ends[1]) == Colour::no);
}
