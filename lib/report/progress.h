// SPDX-License-Identifier: Apache-2.0
// Shows on stderr what a person is waiting for: on a terminal in one line, which the next step replaces and
// the end clears; elsewhere in a line for each step. stdout stays what scripts read.
#pragma once

#include <string>
#include <string_view>

namespace oci_oauth {

enum class Quiet { no, yes };

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
  enum class Form { none, line, lines };

  int fd_;
  std::string subject_;
  Form form_;
  bool is_shown_ = false;
};

}  // namespace oci_oauth
