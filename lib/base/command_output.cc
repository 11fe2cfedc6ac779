// SPDX-License-Identifier: Apache-2.0
#include "base/command_output.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/fmt.h"
#include "base/poll.h"
#include "base/signal_queue.h"

namespace oci_oauth {

namespace {

constexpr size_t kept_of_command = 256 * KiB;
constexpr size_t chunk = 4 * KiB;

// The end of what a child writes to a pipe, in a buffer that does not move.
class Stream {
 public:
  explicit Stream(size_t kept) : kept_(kept) { text_.reserve(2 * kept + chunk); }
  ~Stream() { wipe(text_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Result: the end to write to.
  Result<UniqueFd> open() {
    auto pipe = TRY(make_pipe());
    ::fcntl(pipe.reading.get(), F_SETFL, O_NONBLOCK);
    fd_ = std::move(pipe.reading);
    return std::move(pipe.writing);
  }
  int fd() const { return fd_.get(); }  // -1 once it has ended

  bool read_some() {
    char buffer[chunk];
    const ssize_t count = ::read(fd_.get(), buffer, sizeof buffer);
    if (count < 0) return false;
    if (count == 0) fd_.reset();
    text_.append(buffer, static_cast<size_t>(count));
    explicit_bzero(buffer, sizeof buffer);
    if (text_.size() > 2 * kept_) text_.erase(0, text_.size() - kept_);
    return count > 0;
  }

  // With as much as a pipe can contain, and no more: a process that left the group may keep writing for ever.
  Secret take() {
    const auto capacity = static_cast<size_t>(std::max(0, fd_ ? ::fcntl(fd_.get(), F_GETPIPE_SZ) : 0));
    for (size_t read = 0; read < capacity && read_some(); read += chunk) {
    }
    if (text_.size() > kept_) text_.erase(0, text_.size() - kept_);
    return Secret(std::move(text_));
  }

 private:
  const size_t kept_;
  UniqueFd fd_;
  std::string text_;
};

// Reads the streams meanwhile, because a full pipe would block the program.
ProgramOutcome::How wait_for_end(Child& child, const SignalQueue& signals, SteadyTime deadline, Stream& out,
                                 Stream& err) {
  while (true) {
    pollfd events[] = {readable(child.fd()), readable(signals.fd()), readable(out.fd()), readable(err.fd())};
    if (!wait_readable(events, deadline) || std::chrono::steady_clock::now() >= deadline)
      return ProgramOutcome::How::too_late;
    if (events[2].revents != 0) out.read_some();
    if (events[3].revents != 0) err.read_some();
    if (events[1].revents != 0) return ProgramOutcome::How::interrupted;
    if (events[0].revents != 0) return ProgramOutcome::How::exited;
  }
}

}  // namespace

Result<ProgramOutcome> run_to_end(const ProgramRun& run) {
  Stream out(run.kept_output), err(run.kept_output);
  const auto out_writer = TRY(out.open());
  const auto err_writer = TRY(run.has_one_output ? Result<UniqueFd>(UniqueFd()) : err.open());
  SpawnOptions options = run.options;
  options.output = out_writer.get();
  options.errors = run.has_one_output ? out_writer.get() : err_writer.get();

  const SignalQueue signals{SIGTERM, SIGINT, SIGHUP};
  auto child = TRY(spawn(run.command, options));
  ProgramOutcome outcome;
  outcome.how = wait_for_end(child, signals, std::chrono::steady_clock::now() + run.bound, out, err);
  const ProcessEnd end = child.end();
  if (outcome.how == ProgramOutcome::How::exited) {
    if (end.signal() != 0) outcome.how = ProgramOutcome::How::killed;
    outcome.number = end.signal() != 0 ? end.signal() : end.code();
  }
  outcome.out = out.take();
  outcome.err = err.take();
  return outcome;
}

Result<CommandOutput> run_command(const std::vector<std::string>& command, Milliseconds bound,
                                  std::vector<int> kept) {
  const auto outcome = TRY(run_to_end({.command = command,
                                       .options = {.kept = std::move(kept)},
                                       .bound = bound,
                                       .kept_output = kept_of_command}));
  const std::string out(outcome.out.reveal()), err(outcome.err.reveal());
  switch (outcome.how) {
    case ProgramOutcome::How::exited:
      return CommandOutput{outcome.number, out, err};
    case ProgramOutcome::How::killed:
      return CommandOutput{128 + outcome.number, out, err};
    case ProgramOutcome::How::too_late:
    case ProgramOutcome::How::interrupted:
      break;
  }
  return Error{ErrorKind::temporary,
               fmt::format("{}: no answer within {}", command.front(), describe(bound))};
}

}  // namespace oci_oauth
