// SPDX-License-Identifier: Apache-2.0
#include "report/watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/poll.h"
#include "base/signal_queue.h"
#include "base/size.h"
#include "base/text.h"
#include "base/time.h"
#include "report/text_table.h"

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

unsigned rows_of_terminal() {
  const unsigned rows = size_of_terminal(STDOUT_FILENO).ws_row;
  return rows > 0 ? rows : lines_without_a_size;
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

// Takes the signals that have come. Result: false if it is time to end.
bool handle(const SignalQueue& signals) {
  bool goes_on = true;
  while (const auto signal = signals.take()) {
    if (*signal == SIGTSTP) {
      Screen::suspend();
    } else if (*signal != SIGWINCH) {
      goes_on = false;
    }
  }
  return goes_on;
}

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

std::string frame(std::string_view text, unsigned rows) {
  std::string drawn = "\033[H";
  while (!text.empty() && rows-- > 0) {
    drawn.append(next_line(text)).append("\033[K");
    if (!text.empty() && rows > 0) drawn += "\r\n";
  }
  return drawn + "\033[J";
}

Result<void> watch(const std::vector<std::string>& directories,
                   const std::function<Result<std::string>()>& draw) {
  const UniqueFd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify) return Error::from_errno(errno, "inotify");
  const SignalQueue signals{SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH};
  const Screen screen;
  while (true) {
    look_for(inotify.get(), directories);
    auto text = TRY(draw());
    TRY(to_terminal(frame(text, rows_of_terminal())));
    pollfd events[] = {readable(signals.fd()), readable(inotify.get())};
    (void)wait_readable(events, std::chrono::steady_clock::now() + tick);
    if (!handle(signals)) return {};
    drain(inotify.get());
  }
}

}  // namespace oci_oauth
