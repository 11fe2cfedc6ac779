// SPDX-License-Identifier: Apache-2.0
#include "report/text_table.h"

#include <algorithm>
#include <numeric>

#include "base/fmt.h"
#include "base/process.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr size_t gap = 2;

size_t longest_word(std::string_view text) {
  size_t longest = 0;
  for (const std::string_view word : words_in(text)) longest = std::max(longest, display_width(word));
  return longest;
}

// The text in lines of at most that width; only a word that is longer is broken.
std::vector<std::string> wrapped(const std::string& text, size_t width) {
  if (display_width(text) <= width) return {text};
  std::vector<std::string> lines;
  for (std::string_view word : words_in(text)) {
    if (!lines.empty() && display_width(lines.back()) + 1 + display_width(word) <= width) {
      lines.back().append(" ").append(word);
      continue;
    }
    for (; !word.empty(); word.remove_prefix(lines.back().size())) lines.emplace_back(fitting(word, width));
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
  size_t total =
      std::accumulate(widths.begin(), widths.end(), gap * (std::max<size_t>(widths.size(), 1) - 1));
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

std::string aligned(std::vector<Row> rows, const Display& display) {
  for (Row& row : rows) {
    for (Cell& cell : row) cell.text = printable(cell.text);
  }
  const std::vector<size_t> widths = widths_of(rows, display.width);
  std::string text;
  for (const Row& row : rows) {
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

}  // namespace oci_oauth
