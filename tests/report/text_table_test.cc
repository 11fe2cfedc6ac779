// SPDX-License-Identifier: Apache-2.0
#include "report/text_table.h"

#include "support/catch.h"

using namespace oci_oauth;

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

TEST_CASE("a cell cannot move the cursor or turn its row round") {
  const std::vector<Row> rows = {{{"a\033[31m\x07\n\u202eb"}, {"caf\xe9"}}};
  CHECK(aligned(rows, Colour::no) == "a?[31m???b  caf?\n");
}

TEST_CASE("what does not fit continues below, word by word, and the widest column gives way first") {
  const std::vector<Row> rows = {
      {{"ok"}, {"a check"}, {"what was found is long"}},
      {{"bad"}, {"b"}, {.text = "a command that stays as it is", .is_whole = true}}};
  CHECK(aligned(rows, {Colour::no, 36}) ==
        "ok   a check  what was found is long\nbad  b        a command that stays as it is\n");
  CHECK(aligned(rows, {Colour::no, 28}) ==
        "ok   a check  what was found\n"
        "              is long\n"
        "bad  b        a command that stays as it is\n");
  CHECK(aligned(rows, {Colour::no, 17}) ==
        "ok   a      what\n"
        "     check  was\n"
        "            found\n"
        "            is\n"
        "            long\n"
        "bad  b      a command that stays as it is\n");
}

TEST_CASE("a colour covers each line of a cell") {
  const std::vector<Row> rows = {{{"two words", Tone::bad}, {"x"}}};
  CHECK(aligned(rows, {Colour::yes, 8}) == "\033[31mtwo\033[0m    x\n\033[31mwords\033[0m\n");
}
