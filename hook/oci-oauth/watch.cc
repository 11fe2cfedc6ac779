// SPDX-License-Identifier: Apache-2.0
#include "watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/fmt.h"
#include "base/size.h"
#include "base/time.h"

namespace oci_oauth {

namespace {

constexpr Milliseconds tick = std::chrono::minutes(1);
constexpr unsigned lines_without_a_size = 24;

// For xterm and the Linux console: alternate screen, no cursor, no line wrap; and back.
constexpr std::string_view enter_screen = "\033[?1049h\033[?25l\033[?7l\033[2J";
constexpr std::string_view leave_screen = "\033[?7h\033[?25h\033[?1049l";

Result<void> to_terminal(std::string_view text) {
  return write_all(STDOUT_FILENO, text, "stdout");
}

// Each line overwrites the old one and clears only the rest of it, so nothing flickers.
std::string frame(std::string_view text) {
  winsize size = {};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
  unsigned room = known ? size.ws_row : lines_without_a_size;
  std::string drawn = "\033[H";
  while (!text.empty() && room-- > 0) {
    const size_t end = std::min(text.find('\n'), text.size());
    drawn.append(text.substr(0, end)).append("\033[K");
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!text.empty() && room > 0) drawn += "\r\n";
  }
  return drawn + "\033[J";
}

class Screen {
 public:
  Screen() { (void)to_terminal(enter_screen); }
  ~Screen() { (void)to_terminal(leave_screen); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // Restores the terminal while the job is stopped (^Z).
  static void suspend() {
    (void)to_terminal(leave_screen);
    ::raise(SIGSTOP);
    (void)to_terminal(enter_screen);
  }
};

// Delivers the signals through a descriptor during its lifetime.
class Signals {
 public:
  Signals() {
    sigset_t wanted;
    ::sigemptyset(&wanted);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH}) ::sigaddset(&wanted, signal);
    ::sigprocmask(SIG_BLOCK, &wanted, &before_);
    fd_.reset(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~Signals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  int fd() const { return fd_.get(); }

  // Handles what has arrived. Result: false if it is time to end.
  bool handle() const {
    bool go_on = true;
    signalfd_siginfo info;
    while (::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo == SIGTSTP) {
        Screen::suspend();
      } else if (info.ssi_signo != SIGWINCH) {
        go_on = false;
      }
    }
    return go_on;
  }

 private:
  UniqueFd fd_;
  sigset_t before_ = {};
};

// Adding a watch twice results in one watch, so this also finds directories that were missing.
void look_for(int inotify, const std::vector<std::string>& directories) {
  for (const std::string& directory : directories) {
    ::inotify_add_watch(inotify, directory.c_str(), IN_MOVED_TO | IN_DELETE | IN_CREATE | IN_ONLYDIR);
  }
}

void drain(int inotify) {
  alignas(inotify_event) char events[4 * KiB];
  while (::read(inotify, events, sizeof events) > 0) {
  }
}

}  // namespace

Result<void> watch(const std::vector<std::string>& directories,
                   const std::function<Result<std::string>()>& draw) {
  const UniqueFd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify) return Error::from_errno(errno, "inotify");
  const Signals signals;
  const Screen screen;
  while (true) {
    look_for(inotify.get(), directories);
    auto text = TRY(draw());
    TRY(to_terminal(frame(text)));
    pollfd events[] = {{signals.fd(), POLLIN, 0}, {inotify.get(), POLLIN, 0}};
    if (::poll(events, 2, static_cast<int>(tick.count())) < 0 && errno != EINTR) {
      return Error::from_errno(errno, "poll");
    }
    if (!signals.handle()) return {};
    drain(inotify.get());
  }
}

}  // namespace oci_oauth
