// SPDX-License-Identifier: Apache-2.0
// Where a program's messages go. Only mains hold a Log: libraries return errors instead.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace oci_oauth {

enum class Priority : int { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };  // as syslog(3)

class Log {
 public:
  // "prog: error: what: why" on stderr, then "hint: …"; with a "<3>" in front of each line where stderr is
  // the journal (JOURNAL_STREAM, systemd.exec(5)).
  static Log to_stderr(std::string program);
  // syslog(3), facility daemon: for the hook, whose stderr nobody may read.
  static Log to_syslog(std::string program);

  // Opens the way to syslog now, before the caller leaves the mount namespace that /dev/log is in.
  void connect() const;
  void write(Priority priority, std::string_view message, std::string_view hint = {}) const;
  // With the error's own hint; where it has none, with what its kind lets a person do.
  void write(Priority priority, const Error& error) const;

 private:
  enum class Sink { standard_error, journal, syslog };
  Log(std::string program, Sink sink) : program_(std::move(program)), sink_(sink) {}

  std::string program_;
  Sink sink_;
};

}  // namespace oci_oauth
