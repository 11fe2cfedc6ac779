// SPDX-License-Identifier: Apache-2.0
// A person's terminal: its size and colours, the width of text on it, the line that shows what is being done,
// and the screen that is redrawn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

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

// The terminal's width, and colours if it supports them, unless NO_COLOR (no-color.org) is set or TERM is
// dumb. What is not a terminal has neither.
Display display_of(int fd);

// The number of terminal columns for UTF-8 text (wcwidth(3)); the text is printable().
size_t display_width(std::string_view text);
// The beginning of `text` that is at most that wide; at least one character of it.
std::string_view fitting(std::string_view text, size_t width);

// The text between the escape sequences for its tone; unchanged without colour.
std::string toned(std::string_view text, Tone tone, Colour colour);

enum class Quiet { no, yes };

// Shows on stderr what a person is waiting for: on a terminal in one line, which the next step replaces and
// the end clears; elsewhere in a line for each step. stdout stays what scripts read.
class Progress {
 public:
  // `fd`: stderr; `subject`: "oci-oauth: doctor".
  Progress(int fd, std::string subject, Quiet quiet);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  // "starting a container": shown as "SUBJECT: starting a container ...".
  void step(std::string_view what);
  // Makes room for other output.
  void clear();

 private:
  int fd_;
  std::string subject_;
  Quiet quiet_;
  bool is_shown_ = false;  // in a line that has to be cleared
};

// What draws `text` on an xterm or the console with so many rows: each line overwrites the old one and
// clears only the rest of it, so nothing flickers.
std::string frame(std::string_view text, unsigned rows);

// Draws what `draw` returns on stdout, a terminal, and redraws it when something changes in one of
// `directories` (inotify(7); missing ones are looked for once a minute), when the terminal's size changes,
// and once a minute. Ends with ^C, SIGTERM or SIGHUP, and restores the terminal. Failure: that of `draw`, or
// of the terminal.
Result<void> watch(const std::vector<std::string>& directories,
                   const std::function<Result<std::string>()>& draw);

}  // namespace oci_oauth
