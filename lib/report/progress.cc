// SPDX-License-Identifier: Apache-2.0
#include "report/progress.h"

#include <unistd.h>

#include "base/file.h"
#include "base/fmt.h"
#include "base/printable.h"
#include "report/text_table.h"

namespace oci_oauth {

namespace {

constexpr size_t columns_without_a_size = 80;

size_t columns_of(int terminal) {
  const size_t columns = size_of_terminal(terminal).ws_col;
  return columns > 0 ? columns : columns_without_a_size;
}

// Without the last column, after which some terminals begin a new line.
std::string cut_to(std::string text, size_t columns) {
  while (!text.empty() && display_width(text) >= columns) text.pop_back();
  return text;
}

}  // namespace

Progress::Progress(int fd, std::string subject, Quiet quiet) : fd_(fd), subject_(std::move(subject)) {
  const bool is_terminal = ::isatty(fd) == 1;
  form_ = quiet == Quiet::yes ? Form::none : is_terminal ? Form::line : Form::lines;
}

void Progress::step(std::string_view what) {
  if (form_ == Form::none) return;
  const std::string text = fmt::format("{}: {} ...", subject_, printable(what));
  // What cannot be shown is not worth a failure.
  if (form_ == Form::lines) {
    (void)write_all(fd_, text + '\n', "stderr");
    return;
  }
  (void)write_all(fd_, fmt::format("\r\033[K{}", cut_to(text, columns_of(fd_))), "stderr");
  is_shown_ = true;
}

void Progress::clear() {
  if (!is_shown_) return;
  (void)write_all(fd_, "\r\033[K", "stderr");
  is_shown_ = false;
}

}  // namespace oci_oauth
