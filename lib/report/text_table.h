// SPDX-License-Identifier: Apache-2.0
// Aligned columns for people, with any text: they fit the terminal, widths are those that it shows, and no
// text can control it.
#pragma once

#include <string>
#include <vector>

#include "report/terminal.h"

namespace oci_oauth {

struct Cell {
  std::string text;
  Tone tone = Tone::plain;
  bool is_whole = false;  // never broken, so that it can be copied; at the end of its row
};
using Row = std::vector<Cell>;

// Each row on a line, columns two spaces apart, no space at a line's end. Rows may differ in length. If they
// do not fit, the widest columns become narrower and their cells continue on further lines, broken between
// words as long as that helps.
std::string aligned(std::vector<Row> rows, const Display& display);

}  // namespace oci_oauth
