// SPDX-License-Identifier: Apache-2.0
#include "login/terminal.h"

#include <qrencode.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <memory>

#include "base/file.h"

namespace oci_oauth {

namespace {

constexpr int quiet_zone = 4;  // modules on each side
constexpr const char* white_on_black = "\033[97;40m";
constexpr const char* plain = "\033[0m";

bool is_dark(const QRcode& symbol, int row, int column) {
  const bool is_inside = row >= 0 && row < symbol.width && column >= 0 && column < symbol.width;
  return is_inside && (symbol.data[row * symbol.width + column] & 1) != 0;
}

}  // namespace

Terminal::Terminal() {
  if (::isatty(STDERR_FILENO) == 0) return;
  if (auto opened = open_file({.path = "/dev/tty"}, O_RDONLY)) input_ = std::move(*opened);
}

std::optional<std::string> Terminal::take_line() {
  char buffer[4 * KiB];  // of which the kernel keeps no more, termios(3)
  const ssize_t count = ::read(input_.get(), buffer, sizeof buffer);
  if (count <= 0) {
    input_.reset();
    return std::nullopt;
  }
  std::string_view line(buffer, static_cast<size_t>(count));
  return std::string(line.substr(0, line.find('\n')));
}

void Terminal::say(std::string_view text) const {
  (void)write_all(STDERR_FILENO, text, "stderr");
}

void Terminal::show_picture(const std::string& text) const {
  winsize size = {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0) return;
  if (const std::string picture = qr_code(text, size.ws_col); !picture.empty()) say(picture + "\n");
}

std::string qr_code(const std::string& text, int columns) {
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> symbol(
      QRcode_encodeString8bit(text.c_str(), 0, QR_ECLEVEL_L), QRcode_free);
  if (symbol == nullptr || symbol->width + 2 * quiet_zone > columns) return "";
  std::string picture;
  for (int row = -quiet_zone; row < symbol->width + quiet_zone; row += 2) {
    picture += white_on_black;
    for (int column = -quiet_zone; column < symbol->width + quiet_zone; ++column) {
      const bool upper = is_dark(*symbol, row, column), lower = is_dark(*symbol, row + 1, column);
      picture += upper ? (lower ? " " : "\u2584") : (lower ? "\u2580" : "\u2588");
    }
    picture += std::string(plain) + "\n";
  }
  return picture;
}

}  // namespace oci_oauth
