// SPDX-License-Identifier: Apache-2.0
// The person at the terminal: is told on stderr, and answers on the terminal itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace oci_oauth {

class Terminal {
 public:
  Terminal();

  bool has_person() const { return bool(input_); }  // who may answer
  int fd() const { return input_.get(); }           // readable once there is a line; -1: nobody may answer
  // nullopt: there is none, or will be no more.
  std::optional<std::string> take_line();

  void say(std::string_view text) const;
  // As a QR code, if it fits on the terminal.
  void show_picture(const std::string& text) const;

 private:
  UniqueFd input_;
};

// `text` as a QR code (ISO/IEC 18004) of lines of block characters, in its own colours; empty if it is too
// long, or wider than `columns`.
std::string qr_code(const std::string& text, int columns);

}  // namespace oci_oauth
