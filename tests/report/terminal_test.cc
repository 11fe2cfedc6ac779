// SPDX-License-Identifier: Apache-2.0
#include "report/terminal.h"

#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/child.h"
#include "support/catch.h"

using namespace oci_oauth;

namespace {

struct Terminal {
  UniqueFd screen, line;
};

Terminal open_terminal(unsigned short columns) {
  int screen = -1, line = -1;
  const winsize size = {24, columns, 0, 0};
  REQUIRE(::openpty(&screen, &line, nullptr, nullptr, &size) == 0);
  return {UniqueFd(screen), UniqueFd(line)};
}

std::string available_on(int fd) {
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  std::string text;
  std::array<char, 4096> part;
  for (ssize_t size = 0; (size = ::read(fd, part.data(), part.size())) > 0;)
    text.append(part.data(), static_cast<size_t>(size));
  return text;
}

}  // namespace

TEST_CASE("width is what a terminal shows, not bytes") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("für") == 3);
  CHECK(display_width("日本") == 4);
  CHECK(display_width("e\u0301") == 1);  // a combining accent
  CHECK(display_width("") == 0);
}

TEST_CASE("what is not a terminal has no colour") {
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "xterm", 1);
  const auto pipe = make_pipe();
  REQUIRE(pipe);
  CHECK(display_of(pipe->writing.get()).colour == Colour::no);
  CHECK(display_of(pipe->writing.get()).width == Display::unlimited);
}

TEST_CASE("a terminal has its width, and colours unless they are refused") {
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "xterm", 1);
  const Terminal terminal = open_terminal(100);
  CHECK(display_of(terminal.line.get()).width == 100);
  CHECK(display_of(terminal.line.get()).colour == Colour::yes);
  ::setenv("NO_COLOR", "1", 1);
  CHECK(display_of(terminal.line.get()).colour == Colour::no);
  ::unsetenv("NO_COLOR");
}

TEST_CASE("on a terminal each step replaces the one before, and the end clears the line") {
  const Terminal terminal = open_terminal(80);
  {
    Progress progress(terminal.line.get(), "oci-oauth: doctor", Quiet::no);
    progress.step("checking the kernel");
    progress.step("starting a container");
  }
  CHECK(available_on(terminal.screen.get()) ==
        "\r\033[Koci-oauth: doctor: checking the kernel ..."
        "\r\033[Koci-oauth: doctor: starting a container ..."
        "\r\033[K");
}

TEST_CASE("a step fits the terminal's width, and cannot control the terminal") {
  const Terminal terminal = open_terminal(20);
  Progress progress(terminal.line.get(), "oci-oauth", Quiet::no);
  progress.step("a\033[2Jb and what follows");
  CHECK(available_on(terminal.screen.get()) == "\r\033[Koci-oauth: a?[2Jb a");
}

TEST_CASE("a step is cut between characters, however wide and long they are") {
  const Terminal terminal = open_terminal(20);
  Progress progress(terminal.line.get(), "oci-oauth", Quiet::no);
  progress.step("日本日本日本");
  CHECK(available_on(terminal.screen.get()) == "\r\033[Koci-oauth: 日本日本");
}

TEST_CASE("in a pipe each step is a line, and nothing is cleared") {
  auto pipe = make_pipe();
  REQUIRE(pipe);
  {
    Progress progress(pipe->writing.get(), "oci-oauth: doctor", Quiet::no);
    progress.step("checking the kernel");
    progress.step("starting a container");
  }
  CHECK(available_on(pipe->reading.get()) ==
        "oci-oauth: doctor: checking the kernel ...\noci-oauth: doctor: starting a container ...\n");
}

TEST_CASE("quiet progress shows nothing") {
  const Terminal terminal = open_terminal(80);
  {
    Progress progress(terminal.line.get(), "oci-oauth", Quiet::yes);
    progress.step("checking the kernel");
  }
  CHECK(available_on(terminal.screen.get()).empty());
}

TEST_CASE("each line clears what is left of its old self, and the last one what is below") {
  CHECK(frame("a\nb\n", 24) == "\033[Ha\033[K\r\nb\033[K\033[J");
  CHECK(frame("", 24) == "\033[H\033[J");
}

TEST_CASE("a text that is longer than the screen does not scroll it") {
  CHECK(frame("a\nb\nc\n", 2) == "\033[Ha\033[K\r\nb\033[K\033[J");
}
