// SPDX-License-Identifier: Apache-2.0
#include "report/text_table.h"

#include <locale.h>
#include <unistd.h>
#include <wchar.h>

#include <algorithm>
#include <cstdlib>

#include "base/fmt.h"

namespace oci_oauth {

namespace {

constexpr std::string_view gap = "  ";

// wcwidth(3) and mbrtowc(3) use the thread's locale; the C library includes this one.
class Utf8Locale {
 public:
  Utf8Locale() : before_(::uselocale(utf8())) {}
  ~Utf8Locale() { ::uselocale(before_); }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  static locale_t utf8() {
    static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", locale_t{});
    return locale;
  }
  locale_t before_;
};

struct Character {
  std::string_view bytes;
  int width;  // below zero: not printable
};

// Removes the first character from `text`, which is not empty.
Character next_character(std::string_view& text) {
  wchar_t wide = 0;
  mbstate_t state = {};
  const size_t size = ::mbrtowc(&wide, text.data(), text.size(), &state);
  const bool valid = size != 0 && size <= text.size();
  const Character character = {text.substr(0, valid ? size : 1), valid ? ::wcwidth(wide) : -1};
  text.remove_prefix(character.bytes.size());
  return character;
}

std::string_view escape(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return "";
    case Tone::heading:
      return "\033[1m";
    case Tone::good:
      return "\033[32m";
    case Tone::attention:
      return "\033[33m";
    case Tone::bad:
      return "\033[31m";
  }
  return "";
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

size_t display_width(std::string_view text) {
  const Utf8Locale locale;
  size_t width = 0;
  while (!text.empty()) width += static_cast<size_t>(std::max(next_character(text).width, 0));
  return width;
}

std::string printable(std::string_view text) {
  const Utf8Locale locale;
  std::string shown;
  while (!text.empty()) {
    const Character character = next_character(text);
    shown += character.width < 0 ? "?" : character.bytes;
  }
  return shown;
}

std::string toned(std::string_view text, Tone tone, Colour colour) {
  const std::string_view begin = colour == Colour::yes ? escape(tone) : "";
  return begin.empty() ? std::string(text) : fmt::format("{}{}\033[0m", begin, text);
}

std::string aligned(const std::vector<Row>& rows, Colour colour) {
  std::vector<size_t> widths;
  std::vector<Row> shown = rows;
  for (Row& row : shown) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (size_t i = 0; i < row.size(); ++i) {
      row[i].text = printable(row[i].text);
      widths[i] = std::max(widths[i], display_width(row[i].text));
    }
  }
  std::string text;
  for (const Row& row : shown) {
    size_t padding = 0;
    for (size_t i = 0; i < row.size(); ++i) {
      if (row[i].text.empty()) {
        padding += widths[i] + gap.size();
        continue;
      }
      text.append(padding, ' ');
      text += toned(row[i].text, row[i].tone, colour);
      padding = widths[i] - display_width(row[i].text) + gap.size();
    }
    text += '\n';
  }
  return text;
}

Colour colour_of(int fd) {
  const std::string terminal = environment("TERM");
  const bool wanted = environment("NO_COLOR").empty() && !terminal.empty() && terminal != "dumb";
  return wanted && ::isatty(fd) == 1 ? Colour::yes : Colour::no;
}

}  // namespace oci_oauth
