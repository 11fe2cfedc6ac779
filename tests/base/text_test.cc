// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include "base/spawn.h"
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
    const auto [read, size] = utf8_character(character);
    if (is_half ? size == 0 : size == character.size() && read == code) continue;
    FAIL("U+" << std::hex << code);
  }
  for (const char* other : {"\xc0\x80", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\x80",
                            "\xff", "\xf8\x90\x80\x80"})
    CHECK(utf8_character(other).size == 0);
}

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
