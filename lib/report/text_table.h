// SPDX-License-Identifier: Apache-2.0
// Aligned columns for people, with any text: they fit the terminal, widths are those that it shows, and no
// text can control it.
#pragma once

#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace oci_oauth {

enum class Colour { no, yes };
enum class Tone { plain, heading, good, attention, bad };

// Where a text is shown.
struct Display {
  static constexpr size_t unlimited = SIZE_MAX;

  Display(Colour with = Colour::no, size_t columns = unlimited) : colour(with), width(columns) {}

  Colour colour;
  size_t width;
};

struct Cell {
  std::string text;
  Tone tone = Tone::plain;
  bool is_whole = false;  // never broken, so that it can be copied; at the end of its row
};
using Row = std::vector<Cell>;

// The number of terminal columns for UTF-8 text (wcwidth(3)); the text is printable().
size_t display_width(std::string_view text);

// The text between the escape sequences for its tone; unchanged without colour.
std::string toned(std::string_view text, Tone tone, Colour colour);

// Each row on a line, columns two spaces apart, no space at a line's end. Rows may differ in length. If they
// do not fit, the widest columns become narrower and their cells continue on further lines, broken between
// words as long as that helps.
std::string aligned(const std::vector<Row>& rows, const Display& display);

// The terminal's size, ioctl_tty(2); zero if it does not say.
winsize size_of_terminal(int fd);

// The terminal's width, and colours if it supports them, unless NO_COLOR (no-color.org) is set or TERM is
// dumb. What is not a terminal has neither.
Display display_of(int fd);

}  // namespace oci_oauth
