// SPDX-License-Identifier: Apache-2.0
#include "report/terminal.h"

#include <locale.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/fmt.h"
#include "base/process.h"
#include "base/text.h"
#include "base/time.h"
#include "base/wait.h"

namespace oci_oauth {

namespace {

constexpr Milliseconds tick = std::chrono::minutes(1);

// For xterm and the Linux console: alternate screen, no cursor, no line wrap; and back.
constexpr std::string_view enter_screen = "\033[?1049h\033[?25l\033[?7l\033[2J";
constexpr std::string_view leave_screen = "\033[?7h\033[?25h\033[?1049l";
constexpr std::string_view clear_line = "\r\033[K";

// ioctl_tty(2); zero if it does not say.
winsize size_of_terminal(int fd) {
  winsize size = {};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? size : winsize();
}

// Removes the first character from `text`, which is not empty. Result: its width.
size_t take_character(std::string_view& text) {
  // wcwidth(3) and mbrtowc(3) use the program's locale; the C library includes this one.
  [[maybe_unused]] static const char* const locale = ::setlocale(LC_CTYPE, "C.UTF-8");
  wchar_t wide = 0;
  mbstate_t state = {};
  const size_t size = ::mbrtowc(&wide, text.data(), text.size(), &state);
  const bool is_valid = size != 0 && size <= text.size();
  text.remove_prefix(is_valid ? size : 1);
  return is_valid ? static_cast<size_t>(std::max(::wcwidth(wide), 0)) : 0;
}

Result<void> to_terminal(std::string_view text) {
  return write_all(STDOUT_FILENO, text, "stdout");
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

void drain(int inotify) {
  alignas(inotify_event) char events[4 * KiB];
  while (::read(inotify, events, sizeof events) > 0) {
  }
}

}  // namespace

Display display_of(int fd) {
  if (::isatty(fd) != 1) return {};
  const std::string_view terminal = from_environment("TERM");
  const bool has_colour = from_environment("NO_COLOR").empty() && !terminal.empty() && terminal != "dumb";
  const size_t columns = size_of_terminal(fd).ws_col;
  return {has_colour ? Colour::yes : Colour::no, columns > 0 ? columns : Display::unlimited};
}

size_t display_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) width += take_character(text);
  return width;
}

std::string_view fitting(std::string_view text, size_t width) {
  std::string_view rest = text;
  size_t used = 0;
  for (std::string_view next = rest; !next.empty(); rest = next) {
    used += take_character(next);
    if (used > width && rest.size() < text.size()) break;
  }
  return text.substr(0, text.size() - rest.size());
}

std::string toned(std::string_view text, Tone tone, Colour colour) {
  constexpr std::string_view sequences[] = {"", "\033[1m", "\033[32m", "\033[33m", "\033[31m"};
  const std::string_view begin = sequences[static_cast<size_t>(tone)];
  return colour == Colour::no || begin.empty() ? std::string(text) : fmt::format("{}{}\033[0m", begin, text);
}

Progress::Progress(int fd, std::string subject, Quiet quiet)
    : fd_(fd), subject_(std::move(subject)), quiet_(quiet) {}

void Progress::step(std::string_view what) {
  if (quiet_ == Quiet::yes) return;
  std::string text = fmt::format("{}: {} ...", subject_, printable(what));
  is_shown_ = ::isatty(fd_) == 1;
  if (is_shown_) {
    const size_t columns = size_of_terminal(fd_).ws_col;
    // Without the last column, after which some terminals begin a new line.
    text = fmt::format("{}{}", clear_line, fitting(text, (columns > 0 ? columns : 80) - 1));
  } else {
    text += '\n';
  }
  // What cannot be shown is not worth a failure.
  (void)write_all(fd_, text, "stderr");
}

void Progress::clear() {
  if (is_shown_) (void)write_all(fd_, clear_line, "stderr");
  is_shown_ = false;
}

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
    // Adding a watch twice results in one watch, so this also finds directories that were missing.
    for (const std::string& directory : directories)
      ::inotify_add_watch(inotify.get(), directory.c_str(), IN_MOVED_TO | IN_DELETE | IN_CREATE | IN_ONLYDIR);
    const auto text = TRY(draw());
    const unsigned rows = size_of_terminal(STDOUT_FILENO).ws_row;
    TRY(to_terminal(frame(text, rows > 0 ? rows : 24)));
    pollfd events[] = {readable(signals.fd()), readable(inotify.get())};
    (void)wait_readable(events, std::chrono::steady_clock::now() + tick);
    if (!handle(signals)) return {};
    drain(inotify.get());
  }
}

}  // namespace oci_oauth
