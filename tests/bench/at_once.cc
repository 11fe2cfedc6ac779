// SPDX-License-Identifier: Apache-2.0
// Starts a program once for each input, all at once, and prints the seconds until the last has ended. Static
// and small, so that starting them takes next to nothing.
//   at-once PROGRAM [ARGUMENT]... <LIST_OF_INPUTS, a file a line
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/file.h"
#include "start.h"

using namespace oci_oauth;
using namespace oci_oauth::bench;

namespace {

std::vector<std::string> lines(std::string_view text) {
  std::vector<std::string> list;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) list.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return list;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> command(argv + 1, argv + argc);
  if (command.empty()) give_up("at-once: which program?");
  const auto text = read_file(STDIN_FILENO, MiB, "stdin");
  if (!text) give_up(text.error().message);

  const auto began = std::chrono::steady_clock::now();
  std::vector<pid_t> running;
  for (const std::string& input : lines(*text)) running.push_back(Start(command, input).run());
  const Start any(command, "/dev/null");
  for (const pid_t pid : running) any.wait_for(pid);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  return write_all(STDOUT_FILENO, fmt::format("{:.3f}\n", took.count()), "stdout") ? 0 : 1;
}
