// SPDX-License-Identifier: Apache-2.0
// Aligned columns for people, whatever their text is: width counts as a terminal shows it, and no text can
// steer the terminal.
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

// Columns of terminal cells that UTF-8 text takes (wcwidth(3)); text is printable().
size_t display_width(std::string_view text);

// The text with '?' for each control character and each byte that is not UTF-8.
std::string printable(std::string_view text);

// The text between the escape sequences of its tone; as it is where there is no colour.
std::string toned(std::string_view text, Tone tone, Colour colour);

// Each row on a line, columns two spaces apart, no space at a line's end. Rows may differ in length.
std::string aligned(const std::vector<Row>& rows, Colour colour);

// A terminal that shows colours, and a person who wants them: NO_COLOR (no-color.org) and TERM=dumb say no.
Colour colour_of(int fd);

}  // namespace oci_oauth
