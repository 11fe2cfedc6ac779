// SPDX-License-Identifier: Apache-2.0
#include "base/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "base/fmt.h"
#include "base/wait.h"

namespace oci_oauth {

namespace {

constexpr size_t kept_of_command = 256 * KiB;
constexpr size_t chunk = 4 * KiB;

// What posix_spawn(3) takes besides the command.
class Settings {
 public:
  explicit Settings(const SpawnOptions& options) {
    ::posix_spawn_file_actions_init(&actions_);
    if (options.directory != nullptr) ::posix_spawn_file_actions_addchdir_np(&actions_, options.directory);
    place(options.input, STDIN_FILENO);
    place(options.output, STDOUT_FILENO);
    place(options.errors, STDERR_FILENO);
    for (const int fd : options.kept) ::posix_spawn_file_actions_adddup2(&actions_, fd, fd);
    if (options.kept.empty()) ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);

    sigset_t all, none;
    ::sigfillset(&all);
    ::sigemptyset(&none);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~Settings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  void place(int fd, int number) {
    if (fd >= 0) {
      ::posix_spawn_file_actions_adddup2(&actions_, fd, number);
    } else {
      ::posix_spawn_file_actions_addopen(&actions_, number, "/dev/null", O_RDWR, 0);
    }
  }

  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

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

std::vector<char*> pointers_to(const std::vector<std::string>& words) {
  std::vector<char*> all;
  all.reserve(words.size() + 1);
  for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

Result<Child> spawn(const std::vector<std::string>& command, const SpawnOptions& options) {
  const auto arguments = pointers_to(command);
  const std::vector<std::string> none;
  const auto own = pointers_to(options.environment ? *options.environment : none);
  const Settings settings(options);
  pid_t pid = -1;
  const int failure = ::posix_spawnp(&pid, arguments[0], settings.actions(), settings.attributes(),
                                     arguments.data(), options.environment ? own.data() : environ);
  if (failure != 0) return Error::from_errno(failure, command.front());
  Child child(pid);
  if (child.fd() < 0) return Error::from_errno(errno, "pidfd_open of " + command.front());
  return child;
}

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
  using How = ProgramOutcome::How;
  if (outcome.how == How::too_late || outcome.how == How::interrupted) {
    return Error{ErrorKind::temporary,
                 fmt::format("{}: no answer within {}", command.front(), describe(bound))};
  }
  return CommandOutput{outcome.how == How::killed ? 128 + outcome.number : outcome.number,
                       std::string(outcome.out.reveal()), std::string(outcome.err.reveal())};
}

}  // namespace oci_oauth
