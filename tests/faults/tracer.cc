// SPDX-License-Identifier: Apache-2.0
#include "faults/tracer.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "base/unique_fd.h"

namespace oci_oauth::test {
namespace {

// What the first arguments of a call are.
enum class Shape { descriptor, path, at, other };

struct Known {
  const char* name;
  Shape shape;
};

const std::map<long, Known>& known_calls() {
  static const std::map<long, Known> calls = {
      {SYS_openat, {"openat", Shape::at}},
      {SYS_read, {"read", Shape::descriptor}},
      {SYS_write, {"write", Shape::descriptor}},
      {SYS_lseek, {"lseek", Shape::descriptor}},
      {SYS_close, {"close", Shape::descriptor}},
      {SYS_newfstatat, {"newfstatat", Shape::at}},
      {SYS_statx, {"statx", Shape::at}},
      {SYS_faccessat, {"faccessat", Shape::at}},
      {SYS_fsync, {"fsync", Shape::descriptor}},
      {SYS_fdatasync, {"fdatasync", Shape::descriptor}},
      {SYS_fallocate, {"fallocate", Shape::descriptor}},
      {SYS_ftruncate, {"ftruncate", Shape::descriptor}},
      {SYS_fchmod, {"fchmod", Shape::descriptor}},
      {SYS_fchown, {"fchown", Shape::descriptor}},
      {SYS_fchmodat, {"fchmodat", Shape::at}},
      {SYS_flock, {"flock", Shape::descriptor}},
      {SYS_unlinkat, {"unlinkat", Shape::at}},
      {SYS_renameat, {"renameat", Shape::at}},
      {SYS_renameat2, {"renameat2", Shape::at}},
      {SYS_mkdirat, {"mkdirat", Shape::at}},
      {SYS_utimensat, {"utimensat", Shape::at}},
      {SYS_readlinkat, {"readlinkat", Shape::at}},
      {SYS_getdents64, {"getdents64", Shape::descriptor}},
      {SYS_fstatfs, {"fstatfs", Shape::descriptor}},
      {SYS_inotify_init1, {"inotify_init1", Shape::other}},
      {SYS_pipe2, {"pipe2", Shape::other}},
      {SYS_ppoll, {"ppoll", Shape::other}},
      {SYS_socket, {"socket", Shape::other}},
      {SYS_socketpair, {"socketpair", Shape::other}},
      {SYS_connect, {"connect", Shape::descriptor}},
      {SYS_sendto, {"sendto", Shape::descriptor}},
      {SYS_recvfrom, {"recvfrom", Shape::descriptor}},
      {SYS_setsockopt, {"setsockopt", Shape::descriptor}},
      {SYS_getsockopt, {"getsockopt", Shape::descriptor}},
      {SYS_getsockname, {"getsockname", Shape::descriptor}},
      {SYS_getpeername, {"getpeername", Shape::descriptor}},
      {SYS_fcntl, {"fcntl", Shape::descriptor}},
#ifdef __x86_64__  // other architectures have only the calls above
      {SYS_mkdir, {"mkdir", Shape::path}},
      {SYS_rmdir, {"rmdir", Shape::path}},
      {SYS_rename, {"rename", Shape::path}},
      {SYS_unlink, {"unlink", Shape::path}},
      {SYS_readlink, {"readlink", Shape::path}},
      {SYS_access, {"access", Shape::path}},
      {SYS_poll, {"poll", Shape::other}},
#endif
  };
  return calls;
}

std::string read_text(pid_t pid, std::uint64_t address) {
  char text[PATH_MAX] = "";
  iovec local = {text, sizeof text - 1};
  // To the end of a page first: the next one may not be there.
  const size_t in_page = 4096 - address % 4096;
  for (const size_t size : {in_page, sizeof text - 1}) {
    iovec remote = {reinterpret_cast<void*>(address), size};  // NOLINT(performance-no-int-to-ptr)
    const ssize_t count = ::process_vm_readv(pid, &local, 1, &remote, 1, 0);
    if (count > 0 && std::string_view(text, static_cast<size_t>(count)).find('\0') != std::string_view::npos)
      break;
  }
  return text;
}

std::string open_on(pid_t pid, std::uint64_t descriptor) {
  const std::string link =
      "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(static_cast<int>(descriptor));
  char target[PATH_MAX];
  const ssize_t size = ::readlink(link.c_str(), target, sizeof target);
  return size < 0 ? "" : std::string(target, static_cast<size_t>(size));
}

std::string subject_of(pid_t pid, Shape shape, const std::uint64_t (&arguments)[6]) {
  switch (shape) {
    case Shape::descriptor:
      return open_on(pid, arguments[0]);
    case Shape::path:
      return read_text(pid, arguments[0]);
    case Shape::at: {
      const std::string path = read_text(pid, arguments[1]);
      if (path.starts_with('/')) return path;
      const bool here = static_cast<int>(arguments[0]) == AT_FDCWD;
      return (here ? "." : open_on(pid, arguments[0])) + (path.empty() ? "" : "/" + path);
    }
    case Shape::other:
      break;
  }
  return "";
}

// In a call's entry stop: it will not be made, and returns `error`.
#ifdef __x86_64__
void skip_call(pid_t pid) {
  ::ptrace(PTRACE_POKEUSER, pid, offsetof(user, regs.orig_rax), -1L);
}
void set_result(pid_t pid, int error) {
  ::ptrace(PTRACE_POKEUSER, pid, offsetof(user, regs.rax), static_cast<long>(-error));
}
#else
void skip_call(pid_t) {}
void set_result(pid_t, int) {}
#endif

class Tracer {
 public:
  Tracer(pid_t program, const Fault& fault, const Observer& observer)
      : program_(program), fault_(fault), observer_(observer) {}

  // Returns when every process has ended.
  Traced follow();

 private:
  struct Process {
    unsigned index = 0;
    unsigned calls = 0;
    bool begun = false;    // the program has replaced the test's copy; a child has stopped for the first time
    bool failing = false;  // between the two stops of the call that goes wrong
    std::optional<Call> making = {};  // the call whose end the observer is told of
  };

  // A child may stop before its parent tells of it.
  Process& process(pid_t pid) {
    const auto [found, is_new] = processes_.try_emplace(pid);
    if (is_new) found->second.index = started_++;
    return found->second;
  }
  void at_stop(pid_t pid, int status);
  void at_call(pid_t pid, Process& caller);
  void entering(pid_t pid, Process& caller, const __ptrace_syscall_info& info);
  void resume(pid_t pid, int signal) {
    // Once it went wrong the rest need not be watched call by call.
    const bool watched = done_ == Done::no;
    ::ptrace(watched ? PTRACE_SYSCALL : PTRACE_CONT, pid, 0, static_cast<long>(signal));
  }

  enum class Done { no, yes };
  const pid_t program_;
  const Fault fault_;
  const Observer& observer_;
  std::map<pid_t, Process> processes_;
  unsigned started_ = 0;
  Done done_ = Done::no;
  Traced result_;
};

Traced Tracer::follow() {
  process(program_);
  constexpr long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK |
                           PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
  ::ptrace(PTRACE_SETOPTIONS, program_, 0, options);
  resume(program_, 0);
  int status = 0;
  // Only what this thread traces: others run tests of their own.
  for (pid_t pid; (pid = ::waitpid(-1, &status, __WALL | __WNOTHREAD)) > 0;) {
    if (WIFSTOPPED(status)) {
      at_stop(pid, status);
      continue;
    }
    if (pid == program_) result_.status = status;
    processes_.erase(pid);
    if (processes_.empty()) break;
  }
  return std::move(result_);
}

void Tracer::at_stop(pid_t pid, int status) {
  const int signal = WSTOPSIG(status);
  const int event = status >> 16;
  Process& stopped = process(pid);
  if (signal == (SIGTRAP | 0x80)) {
    at_call(pid, stopped);
    return resume(pid, 0);
  }
  if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
    unsigned long child = 0;
    ::ptrace(PTRACE_GETEVENTMSG, pid, 0, &child);
    process(static_cast<pid_t>(child));
    return resume(pid, 0);
  }
  if (event == PTRACE_EVENT_EXEC) {
    stopped.begun = true;
    return resume(pid, 0);
  }
  // A new child's first stop is ptrace's own.
  const bool first_stop = !stopped.begun && signal == SIGSTOP;
  if (pid != program_) stopped.begun = true;
  resume(pid, first_stop ? 0 : signal);
}

void Tracer::at_call(pid_t pid, Process& caller) {
  __ptrace_syscall_info info = {};
  if (!caller.begun || ::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0) return;
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY) return entering(pid, caller, info);
  if (caller.making) observer_(*std::exchange(caller.making, std::nullopt));
  if (!caller.failing) return;
  caller.failing = false;
  done_ = Done::yes;
  set_result(pid, fault_.error);
}

void Tracer::entering(pid_t pid, Process& caller, const __ptrace_syscall_info& info) {
  Call call{caller.index, ++caller.calls, "", ""};
  if (const auto known = known_calls().find(static_cast<long>(info.entry.nr)); known != known_calls().end()) {
    std::uint64_t arguments[6];
    for (size_t i = 0; i < 6; ++i) arguments[i] = info.entry.args[i];
    call.name = known->second.name;
    call.subject = subject_of(pid, known->second.shape, arguments);
  }
  const bool meant = caller.index == fault_.process && fault_.number != 0 && caller.calls >= fault_.number &&
                     !result_.failed && (fault_.error == 0 || !call.name.empty());
  if (!meant) {
    if (observer_ && !call.name.empty()) caller.making = call;
    result_.calls.push_back(std::move(call));
    return;
  }
  result_.failed = std::move(call);
  if (fault_.error == 0) {
    done_ = Done::yes;
    ::kill(pid, fault_.signal);
  } else {
    caller.failing = true;
    // Whatever close(2) returns, the descriptor is gone: man 2 close.
    if (info.entry.nr != SYS_close) skip_call(pid);
  }
}

// Kills a process group that is still there after `bound`.
class Watchdog {
 public:
  explicit Watchdog(pid_t group)
      : thread_([this, group](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          if (condition_.wait_for(lock, stop, bound, [&] { return stop.stop_requested(); })) return;
          if (!stop.stop_requested()) hung_ = ::kill(-group, SIGKILL) == 0;
        }) {}

  bool had_to_kill() {
    thread_.request_stop();
    thread_.join();
    return hung_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any condition_;
  bool hung_ = false;
  std::jthread thread_;
};

std::string read_all(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t count; (count = ::pread(fd, buffer, sizeof buffer, static_cast<off_t>(text.size()))) > 0;)
    text.append(buffer, static_cast<size_t>(count));
  return text;
}

}  // namespace

Traced run_traced(const std::vector<std::string>& command, const Fault& fault, const Observer& observer,
                  UniqueFd connection) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  char* const environment[] = {nullptr};
  const UniqueFd output(::memfd_create("output", MFD_CLOEXEC));
  const UniqueFd input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const pid_t pid = ::fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid == 0) {
    ::dup2(connection ? connection.get() : input.get(), STDIN_FILENO);
    ::dup2(connection ? connection.get() : output.get(), STDOUT_FILENO);
    ::dup2(output.get(), STDERR_FILENO);
    ::setpgid(0, 0);
    ::ptrace(PTRACE_TRACEME, 0, 0, 0);
    ::raise(SIGSTOP);
    ::execve(arguments[0], arguments.data(), environment);
    ::_exit(127);
  }
  connection.reset();
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
    throw std::runtime_error("ptrace: not allowed");
  Watchdog watchdog(pid);
  Traced traced = Tracer(pid, fault, observer).follow();
  traced.hung = watchdog.had_to_kill();
  traced.output = read_all(output.get());
  return traced;
}

bool can_inject_errors() {
#ifdef __x86_64__
  return true;
#else
  return false;
#endif
}

}  // namespace oci_oauth::test
