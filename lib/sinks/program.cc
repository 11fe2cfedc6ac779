// SPDX-License-Identifier: Apache-2.0
#include "sinks/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/fmt.h"
#include "base/process.h"
#include "base/size.h"
#include "base/unique_fd.h"

namespace oci_oauth {

namespace {

using std::chrono::steady_clock;

constexpr size_t kept_output = 4 * KiB;
constexpr size_t longest_tail = 200, longest_word = 64, telling_part = 8;
constexpr const char* path_variable = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// During its lifetime, the signals that would end this process are blocked, and `fd` reports them.
class HeldSignals {
 public:
  HeldSignals() {
    sigset_t ending;
    ::sigemptyset(&ending);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&ending, signal);
    ::sigprocmask(SIG_BLOCK, &ending, &before_);
    fd_.reset(::signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~HeldSignals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  int fd() const { return fd_.get(); }

 private:
  sigset_t before_;
  UniqueFd fd_;
};

struct Pipe {
  UniqueFd reading, writing;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error::from_errno(errno, "pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

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

// posix_spawn(3) with the child's settings: its own session, "/", default signals, three descriptors.
class Spawn {
 public:
  Spawn(int input, int output) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addchdir_np(&actions_, "/");
    ::posix_spawn_file_actions_adddup2(&actions_, input, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, output, 1);
    ::posix_spawn_file_actions_adddup2(&actions_, output, 2);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
    sigset_t all, none;
    ::sigfillset(&all);
    ::sigemptyset(&none);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~Spawn() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;

  Result<pid_t> run(const std::vector<char*>& arguments, const std::vector<char*>& environment) const {
    pid_t pid = -1;
    const int reason =
        ::posix_spawn(&pid, arguments[0], &actions_, &attributes_, arguments.data(), environment.data());
    if (reason == 0) return pid;
    Error error = Error::from_errno(reason, "cannot be started");
    error.kind = ErrorKind::failed;
    return error;
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// execve(2) takes non-const pointers, but does not change the strings.
std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  all.reserve(words.size());
  for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
  return all;
}

Result<pid_t> spawn(const Program& program, const Secret& secret, int output) {
  const bool on_stdin = program.pass == PassSecret::on_stdin;
  auto input = TRY(on_stdin ? filled_pipe(secret) : open_file({.path = "/dev/null"}, O_RDONLY));
  auto arguments = pointers(program.command);
  if (!on_stdin)
    arguments.push_back(const_cast<char*>(secret.reveal().data()));  // ends in NUL, as std::string
  arguments.push_back(nullptr);
  auto environment = pointers(program.environment);
  environment.push_back(const_cast<char*>(path_variable));
  environment.push_back(nullptr);
  return Spawn(input.get(), output).run(arguments, environment);
}

// The end of the output, in a buffer that does not move.
class Tail {
 public:
  Tail() { text_.reserve(2 * kept_output); }
  ~Tail() { wipe(text_); }
  Tail(const Tail&) = delete;
  Tail& operator=(const Tail&) = delete;

  // Reads some of what is there. False if there is nothing more, now or ever.
  bool read_from(int fd) {
    char buffer[kept_output];
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0) return false;
    text_.append(buffer, static_cast<size_t>(count));
    explicit_bzero(buffer, sizeof buffer);
    if (text_.size() > kept_output) text_.erase(0, text_.size() - kept_output);
    return count > 0;
  }
  Secret take() { return Secret(std::move(text_)); }

 private:
  std::string text_;
};

// As much as a pipe can contain, and no more: a process that left the group may keep writing for ever.
void drain(int output, Tail& tail) {
  const auto capacity = static_cast<size_t>(std::max(0, ::fcntl(output, F_GETPIPE_SZ)));
  for (size_t read = 0; read < capacity && tail.read_from(output); read += kept_output) {
  }
}

// Waits for the child's end, the deadline or a signal to us, and reads the output meanwhile, because a full
// pipe would block the child.
ProgramEnd::How wait_for_end(int child, int output, int signals, SteadyTime deadline, Tail& tail) {
  pollfd events[] = {{child, POLLIN, 0}, {signals, POLLIN, 0}, {output, POLLIN, 0}};
  while (true) {
    const auto left = std::chrono::ceil<Milliseconds>(deadline - steady_clock::now()).count();
    if (left <= 0) return ProgramEnd::How::too_late;
    if (::poll(events, std::size(events), static_cast<int>(left)) <= 0) continue;
    if (events[2].revents != 0 && !tail.read_from(output)) events[2].fd = -1;
    if (events[1].revents != 0) return ProgramEnd::How::interrupted;
    if (events[0].revents != 0) return ProgramEnd::How::exited;
  }
}

// The child leads its session and so cannot leave its group, whose id is not reused until the child is
// reaped.
int end_group(pid_t child) {
  ::kill(-child, SIGKILL);
  return reap(child);
}

std::string describe_end(const Program& program, const ProgramEnd& end) {
  switch (end.how) {
    case ProgramEnd::How::exited:
      return fmt::format("exit status {}", end.number);
    case ProgramEnd::How::killed:
      return fmt::format("killed by signal {}", end.number);
    case ProgramEnd::How::too_late:
      return fmt::format("still running after {} s", std::chrono::duration<double>(program.timeout).count());
    case ProgramEnd::How::interrupted:
      return "interrupted";
  }
  return "";
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

std::string showable_tail(std::string_view output, const Secret& secret) {
  std::string shown;
  for (std::string_view line = last_line(output); !line.empty();) {
    const std::string_view word = line.substr(0, line.find_first_of(" \t"));
    line.remove_prefix(std::min(line.size(), word.size() + 1));
    if (word.empty()) continue;
    if (!shown.empty()) shown += ' ';
    shown += word.size() > longest_word || tells(word, secret.reveal()) ? std::string_view("[hidden]") : word;
  }
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  std::replace_if(shown.begin(), shown.end(), std::not_fn(printable), '?');
  return shown.substr(0, longest_tail);
}

Result<ProgramEnd> run_to_end(const Program& program, const Secret& secret) {
  auto output = TRY(make_pipe());
  ::fcntl(output.reading.get(), F_SETFL, O_NONBLOCK);
  const HeldSignals signals;
  auto child = TRY(spawn(program, secret, output.writing.get()));
  output.writing.reset();
  // Not pidfd_open(): glibc 2.36 declares it without C linkage.
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));

  Tail tail;
  ProgramEnd end;
  end.how = wait_for_end(process.get(), output.reading.get(), signals.fd(),
                         steady_clock::now() + program.timeout, tail);
  const int status = end_group(child);
  drain(output.reading.get(), tail);
  if (end.how == ProgramEnd::How::exited) {
    if (WIFSIGNALED(status)) end.how = ProgramEnd::How::killed;
    end.number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  }
  end.output = tail.take();
  return end;
}

Result<void> run_program(const Program& program, const Secret& secret) {
  auto end = TRY(run_to_end(program, secret));
  if (end.how == ProgramEnd::How::exited && end.number == 0) return {};
  const std::string shown = showable_tail(end.output.reveal(), secret);
  const std::string what = describe_end(program, end);
  return Error{ErrorKind::failed, shown.empty() ? what : fmt::format("{}: {}", what, shown)};
}

}  // namespace oci_oauth
