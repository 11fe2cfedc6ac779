// SPDX-License-Identifier: Apache-2.0
#include "faults/claude_code.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "support/child_process.h"

namespace oci_oauth::test {

namespace {

constexpr const char* node = "/usr/bin/node";
constexpr const char* modules = "/usr/share/nodejs";  // where Debian's node looks by itself

std::pair<UniqueFd, UniqueFd> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace

std::string ClaudeCode::missing() {
  if (!std::filesystem::exists(node)) return "nodejs is not installed";
  const bool there = std::filesystem::exists(std::string(modules) + "/proper-lockfile");
  return there ? "" : "node-proper-lockfile is not installed";
}

ClaudeCode::ClaudeCode(const Host& host, const std::vector<std::string>& words) {
  // Its user may not be able to read where the sources are.
  const std::string script = host.directory / "proper-lockfile.js";
  if (!std::filesystem::exists(script))
    std::filesystem::copy_file(SOURCE_DIR "/tests/faults/proper-lockfile.js", script);
  std::vector<std::string> command = {node, script, host.home};
  command.insert(command.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string path = std::string("NODE_PATH=") + modules;
  char* const environment[] = {path.data(), nullptr};
  auto [input, write_to] = make_pipe();
  auto [read_from, output] = make_pipe();
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) {
    ::dup2(input.get(), STDIN_FILENO);
    ::dup2(output.get(), STDOUT_FILENO);
    const bool owner = ::geteuid() != 0 || (::setgroups(0, nullptr) == 0 && ::setgid(owner_id()) == 0 &&
                                            ::setuid(owner_id()) == 0);
    if (owner) ::execve(node, arguments.data(), environment);
    ::_exit(127);
  }
  input_ = std::move(write_to);
  output_ = std::move(read_from);
}

ClaudeCode::~ClaudeCode() {
  if (pid_ != 0) die();
}

std::string ClaudeCode::line() const {
  std::string text;
  pollfd event = {output_.get(), POLLIN, 0};
  for (char letter; ::poll(&event, 1, child_bound) == 1 && ::read(output_.get(), &letter, 1) == 1;) {
    if (letter == '\n') return text;
    text += letter;
  }
  return "";
}

int ClaudeCode::end() {
  end_input();
  return end_of(std::exchange(pid_, 0));
}

void ClaudeCode::die() {
  ::kill(pid_, SIGKILL);
  end_of(std::exchange(pid_, 0));
}

}  // namespace oci_oauth::test
