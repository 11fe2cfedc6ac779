// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include "base/command_output.h"
#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("a text is cut into its parts, empty ones included") {
  std::string_view path = "/a//b";
  CHECK(next_part(path, '/').empty());
  CHECK(next_part(path, '/') == "a");
  CHECK(next_part(path, '/').empty());
  CHECK(next_part(path, '/') == "b");
  CHECK(path.empty());
}

TEST_CASE("the last of a number of parts is the rest") {
  using Parts = std::array<std::string_view, 3>;
  CHECK(parts_of<3>("a b  c", ' ') == Parts{"a", "b", " c"});
  CHECK(parts_of<3>("a", ' ') == Parts{"a", "", ""});
  CHECK(parts_of<1>("a b", ' ') == std::array<std::string_view, 1>{"a b"});
}

TEST_CASE("lines end at a line feed, the last one also without") {
  std::string_view text = "one\n\ntwo";
  CHECK(first_line(text) == "one");
  CHECK(next_line(text) == "one");
  CHECK(next_line(text).empty());
  CHECK(next_line(text) == "two");
  CHECK(text.empty());
  CHECK(first_line("").empty());
}

TEST_CASE("words are what is between spaces") {
  CHECK(words_in("  a bc  d ") == std::vector<std::string_view>{"a", "bc", "d"});
  CHECK(words_in("  ").empty());
}

TEST_CASE("blanks at both ends are left out, those within stay") {
  CHECK(trimmed(" \ta b\r") == "a b");
  CHECK(trimmed(" \r\t").empty());
  CHECK(trimmed("\ra ", " ") == "\ra");
}

TEST_CASE("each placeholder is replaced, and none is looked for in its value") {
  CHECK(with_value("{a}/b{a}", "{a}", "x{a}") == "x{a}/bx{a}");
  CHECK(with_value("text", "{a}", "x") == "text");
}

TEST_CASE("a word for a shell is quoted only if it has to be") {
  CHECK(shell_word("/home/u/.claude/a-b_c@1.json") == "/home/u/.claude/a-b_c@1.json");
  CHECK(shell_word("/a b") == "'/a b'");
  CHECK(shell_word("it's") == R"('it'\''s')");
  CHECK(shell_word("").size() == 2);
}

TEST_CASE("a shell reads a word back as it was") {
  for (const std::string text :
       {"/a b", "'", "a'; false '", "$(false)`false`", "~", "*", "a\nb\\", "#", "\"é&|<>"}) {
    CAPTURE(text);
    const auto read = run_command({"sh", "-c", "printf %s " + shell_word(text)}, std::chrono::seconds(30));
    REQUIRE(read);
    CHECK(read->out == text);
  }
}
