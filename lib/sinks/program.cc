// SPDX-License-Identifier: Apache-2.0
#include "sinks/program.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "base/fmt.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr size_t kept_output = 4 * KiB;
constexpr size_t longest_tail = 200, longest_word = 64, telling_part = 8;

// A pipe that contains the whole secret before anybody reads it: a program that does not read it neither
// blocks us nor sends us SIGPIPE.
Result<UniqueFd> filled_pipe(const Secret& secret) {
  auto pipe = TRY(make_pipe());
  const auto capacity = static_cast<size_t>(std::max(0, ::fcntl(pipe.writing.get(), F_GETPIPE_SZ)));
  if (secret.reveal().size() > capacity) {
    return Error{ErrorKind::failed,
                 fmt::format("the token is larger than a pipe's capacity of {} bytes", capacity)};
  }
  TRY(write_all(pipe.writing.get(), secret.reveal(), "pipe"));
  return std::move(pipe.reading);
}

Error not_started(const Program& program, const Error& error) {
  std::string_view reason = error.message;
  const std::string context = program.command.front() + ": ";
  if (reason.starts_with(context)) reason.remove_prefix(context.size());
  return {ErrorKind::failed, fmt::format("cannot be started: {}", reason)};
}

bool tells(std::string_view word, std::string_view secret) {
  const size_t part = std::min(telling_part, secret.size());
  for (size_t i = 0; part > 0 && i + part <= word.size(); ++i) {
    if (secret.find(word.substr(i, part)) != std::string_view::npos) return true;
  }
  return false;
}

std::string_view last_line(std::string_view text) {
  const size_t end = text.find_last_not_of(" \t\r\n");
  if (end == std::string_view::npos) return {};
  text = text.substr(0, end + 1);
  const size_t start = text.rfind('\n');
  return start == std::string_view::npos ? text : text.substr(start + 1);
}

}  // namespace

std::string describe_end(const ProgramOutcome& end, Milliseconds timeout) {
  switch (end.how) {
    case ProgramOutcome::How::exited:
      return fmt::format("exit status {}", end.number);
    case ProgramOutcome::How::killed:
      return fmt::format("killed by signal {}", end.number);
    case ProgramOutcome::How::too_late:
      return fmt::format("still running after {} s", std::chrono::duration<double>(timeout).count());
    case ProgramOutcome::How::interrupted:
      return "interrupted";
  }
  return "";
}

std::string showable_tail(std::string_view output, const Secret& secret) {
  std::string shown;
  for (std::string_view line = last_line(output); !line.empty();) {
    const std::string_view word = line.substr(0, line.find_first_of(" \t"));
    line.remove_prefix(std::min(line.size(), word.size() + 1));
    if (word.empty()) continue;
    if (!shown.empty()) shown += ' ';
    shown += word.size() > longest_word || tells(word, secret.reveal()) ? std::string_view("[hidden]") : word;
  }
  return printable(shown, longest_tail);
}

Result<ProgramOutcome> run_with_secret(const Program& program, const Secret& secret) {
  const bool on_stdin = program.pass == PassSecret::on_stdin;
  const auto input = TRY(on_stdin ? filled_pipe(secret) : Result<UniqueFd>(UniqueFd()));
  ProgramRun run = {.command = program.command,
                    .options = {.environment = program.environment, .directory = "/", .input = input.get()},
                    .bound = program.timeout,
                    .kept_output = kept_output,
                    .has_one_output = true};
  run.options.environment->emplace_back(login_path);
  if (!on_stdin) run.command.emplace_back(secret.reveal());
  auto outcome = run_to_end(run);
  for (std::string& variable : *run.options.environment) wipe(variable);
  if (!on_stdin) wipe(run.command.back());
  return outcome ? std::move(outcome) : not_started(program, outcome.error());
}

Result<void> run_program(const Program& program, const Secret& secret) {
  const auto end = TRY(run_with_secret(program, secret));
  if (end.how == ProgramOutcome::How::exited && end.number == 0) return {};
  const std::string shown = showable_tail(end.out.reveal(), secret);
  const std::string what = describe_end(end, program.timeout);
  return Error{ErrorKind::failed, shown.empty() ? what : fmt::format("{}: {}", what, shown)};
}

}  // namespace oci_oauth
