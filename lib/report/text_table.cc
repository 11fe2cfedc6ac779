// SPDX-License-Identifier: Apache-2.0
#include "report/text_table.h"

#include <locale.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include <algorithm>

#include "base/environment.h"
#include "base/fmt.h"
#include "base/printable.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr size_t gap = 2;

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
  constexpr std::string_view sequences[] = {"", "\033[1m", "\033[32m", "\033[33m", "\033[31m"};
  return sequences[static_cast<size_t>(tone)];
}

size_t longest_word(std::string_view text) {
  size_t longest = 0;
  for (const std::string_view word : words_in(text)) longest = std::max(longest, display_width(word));
  return longest;
}

// Removes from `word` what fits on a line, at least one character.
std::string_view next_piece(std::string_view& word, size_t width) {
  std::string_view rest = word;
  size_t used = static_cast<size_t>(std::max(next_character(rest).width, 0));
  for (std::string_view next = rest; !next.empty(); rest = next) {
    used += static_cast<size_t>(std::max(next_character(next).width, 0));
    if (used > width) break;
  }
  const std::string_view piece = word.substr(0, word.size() - rest.size());
  word = rest;
  return piece;
}

// The text in lines of at most that width; only a word that is longer is broken.
std::vector<std::string> wrapped(const std::string& text, size_t width) {
  if (display_width(text) <= width) return {text};
  const Utf8Locale locale;
  std::vector<std::string> lines(1);
  for (std::string_view word : words_in(text)) {
    const size_t used = lines.back().empty() ? 0 : display_width(lines.back()) + 1;
    if (used > 0 && used + display_width(word) <= width) {
      lines.back().append(" ").append(word);
      continue;
    }
    if (used == 0) lines.pop_back();
    while (!word.empty()) lines.emplace_back(next_piece(word, width));
  }
  return lines;
}

// The width of each column, so that all fit if they can.
std::vector<size_t> widths_of(const std::vector<Row>& rows, size_t available) {
  std::vector<size_t> widths, least;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    least.resize(widths.size());
    for (size_t i = 0; i < row.size(); ++i) {
      if (row[i].is_whole) continue;
      widths[i] = std::max(widths[i], display_width(row[i].text));
      least[i] = std::max(least[i], longest_word(row[i].text));
    }
  }
  size_t total = gap * (std::max<size_t>(widths.size(), 1) - 1);
  for (const size_t width : widths) total += width;
  const auto narrow = [&](const std::vector<size_t>& narrowest) {
    while (total > available) {
      size_t* widest = nullptr;
      for (size_t i = 0; i < widths.size(); ++i) {
        if (widths[i] > narrowest[i] && (widest == nullptr || widths[i] > *widest)) widest = &widths[i];
      }
      if (widest == nullptr) return;
      --*widest;
      --total;
    }
  };
  narrow(least);
  narrow(std::vector<size_t>(widths.size(), 1));  // words are broken only if nothing else helps
  return widths;
}

}  // namespace

size_t display_width(std::string_view text) {
  const Utf8Locale locale;
  size_t width = 0;
  while (!text.empty()) width += static_cast<size_t>(std::max(next_character(text).width, 0));
  return width;
}

std::string toned(std::string_view text, Tone tone, Colour colour) {
  const std::string_view begin = colour == Colour::yes ? escape(tone) : "";
  return begin.empty() ? std::string(text) : fmt::format("{}{}\033[0m", begin, text);
}

std::string aligned(const std::vector<Row>& rows, const Display& display) {
  std::vector<Row> shown = rows;
  for (Row& row : shown) {
    for (Cell& cell : row) cell.text = printable(cell.text);
  }
  const std::vector<size_t> widths = widths_of(shown, display.width);
  std::string text;
  for (const Row& row : shown) {
    std::vector<std::vector<std::string>> cells;
    size_t lines = 1;
    for (size_t i = 0; i < row.size(); ++i) {
      cells.push_back(row[i].is_whole ? std::vector{row[i].text} : wrapped(row[i].text, widths[i]));
      lines = std::max(lines, cells.back().size());
    }
    for (size_t line = 0; line < lines; ++line) {
      size_t padding = 0;
      for (size_t i = 0; i < row.size(); ++i) {
        const std::string part = line < cells[i].size() ? cells[i][line] : "";
        if (!part.empty()) {
          text.append(padding, ' ') += toned(part, row[i].tone, display.colour);
          padding = 0;
        }
        padding += gap + widths[i] - std::min(widths[i], display_width(part));
      }
      text += '\n';
    }
  }
  return text;
}

winsize size_of_terminal(int fd) {
  winsize size = {};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? size : winsize();
}

Display display_of(int fd) {
  if (::isatty(fd) != 1) return {};
  const std::string_view terminal = from_environment("TERM");
  const bool has_colour = from_environment("NO_COLOR").empty() && !terminal.empty() && terminal != "dumb";
  const size_t columns = size_of_terminal(fd).ws_col;
  return {has_colour ? Colour::yes : Colour::no, columns > 0 ? columns : Display::unlimited};
}

}  // namespace oci_oauth
