// SPDX-License-Identifier: Apache-2.0
// Where a program's messages go, and how it ends.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "program/exit_code.h"

namespace oci_oauth {

enum class Priority : int { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };  // as syslog(3)

class Log {
 public:
  // "prog: error: what: why" on stderr, then "hint: …"; with "<3>" in front of each line if stderr is the
  // journal (JOURNAL_STREAM, systemd.exec(5)).
  static Log to_stderr(std::string program);
  // syslog(3), facility daemon: for the hook, whose stderr may be lost.
  static Log to_syslog(std::string program);

  void write(Priority priority, std::string_view message, std::string_view hint = {}) const;
  // With the error's own hint, or else with what its kind suggests.
  void write(Priority priority, const Error& error) const;

 private:
  enum class Sink { standard_error, journal, syslog };
  Log(std::string program, Sink sink) : program_(std::move(program)), sink_(sink) {}

  std::string program_;
  Sink sink_;
};

// Writes the error and returns its exit code.
ExitCode report(const Log& log, const Error& error);

// The end of a program's main(): what fails is reported, and becomes the exit code. Result: the exit code of
// `work`, or that of its error, or `failed` for an exception.
int run_reported(const Log& log, const std::function<Result<ExitCode>()>& work);

}  // namespace oci_oauth
