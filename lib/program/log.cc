// SPDX-License-Identifier: Apache-2.0
#include "program/log.h"

#include <syslog.h>

#include <exception>

#include "base/file.h"
#include "base/fmt.h"
#include "base/process.h"
#include "program/hint.h"

namespace oci_oauth {

namespace {

std::string_view word(Priority priority) {
  return priority == Priority::error ? "error: " : priority == Priority::warning ? "warning: " : "";
}

// $JOURNAL_STREAM is "device:inode" of the stream that goes to the journal, systemd.exec(5).
bool stderr_is_journal() {
  const std::string_view stream = from_environment("JOURNAL_STREAM");
  const auto ours = stream.empty() ? std::nullopt : file_id(STDERR_FILENO);
  return ours && fmt::format("{}:{}", ours->device, ours->inode) == stream;
}

}  // namespace

Log Log::to_stderr(std::string program) {
  return {std::move(program), stderr_is_journal() ? Sink::journal : Sink::standard_error};
}

Log Log::to_syslog(std::string program) {
  static std::string name;  // openlog(3) keeps the pointer
  name = program;
  ::openlog(name.c_str(), LOG_PID, LOG_DAEMON);
  return {std::move(program), Sink::syslog};
}

void Log::write(Priority priority, std::string_view message, std::string_view hint) const {
  const int level = static_cast<int>(priority);
  if (sink_ == Sink::syslog) {
    std::string text(message);
    if (!hint.empty()) text += "; hint: " + as_typed(hint, HintReader::of_log);
    ::syslog(level, "%s%s", std::string(word(priority)).c_str(), text.c_str());
    return;
  }
  const std::string mark = sink_ == Sink::journal ? fmt::format("<{}>", level) : "";
  std::string text = fmt::format("{}{}: {}{}\n", mark, program_, word(priority), message);
  const HintReader reader = sink_ == Sink::journal ? HintReader::of_log : HintReader::of_terminal;
  if (!hint.empty()) text += fmt::format("{}hint: {}\n", mark, as_typed(hint, reader));
  // If stderr itself fails, there is nobody to tell.
  (void)write_all(STDERR_FILENO, text, "stderr");
}

void Log::write(Priority priority, const Error& error) const {
  write(priority, error.message, hint_of(error));
}

ExitCode report(const Log& log, const Error& error) {
  log.write(Priority::error, error);
  return exit_code(error.kind);
}

int run_reported(const Log& log, const std::function<Result<ExitCode>()>& work) {
  try {
    const auto code = work();
    return static_cast<int>(code ? *code : report(log, code.error()));
  } catch (const std::exception& error) {
    return static_cast<int>(report(log, {ErrorKind::failed, error.what()}));
  }
}

}  // namespace oci_oauth
