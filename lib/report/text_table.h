// SPDX-License-Identifier: Apache-2.0
// Aligned columns for people, with any text: widths are those of a terminal, and no text can control the
// terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace oci_oauth {

enum class Colour { no, yes };
enum class Tone { plain, heading, good, attention, bad };

struct Cell {
  std::string text;
  Tone tone = Tone::plain;
};
using Row = std::vector<Cell>;

// The number of terminal columns for UTF-8 text (wcwidth(3)); the text is printable().
size_t display_width(std::string_view text);

// The text with '?' for each control character and each byte that is not UTF-8.
std::string printable(std::string_view text);

// The text between the escape sequences for its tone; unchanged without colour.
std::string toned(std::string_view text, Tone tone, Colour colour);

// Each row on a line, columns two spaces apart, no space at a line's end. Rows may differ in length.
std::string aligned(const std::vector<Row>& rows, Colour colour);

// Yes on a terminal that supports colours, unless NO_COLOR (no-color.org) is set or TERM is dumb.
Colour colour_of(int fd);

}  // namespace oci_oauth
