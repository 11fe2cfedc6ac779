// SPDX-License-Identifier: Apache-2.0
// Runs a program instruction by instruction: `steps FILE COMMAND...` writes to FILE where in the program it
// was, each place once, in hexadecimal, and prints how many instructions it took and in how many pieces of 64
// KiB of its code they were: those are what the kernel maps at once, as the program comes to them
// (fault-around).
#include <elf.h>
#include <fmt/format.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_set>

#include "base/file.h"
#include "start.h"

using namespace oci_oauth;
using namespace oci_oauth::bench;

namespace {

constexpr std::uint64_t piece = 64 * KiB;

std::uint64_t place_of(pid_t pid) {
  user_regs_struct registers = {};
  iovec where = {&registers, sizeof registers};
  if (::ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &where) != 0) give_up("ptrace");
#if defined(__x86_64__)
  return registers.rip;
#else
  return registers.pc;
#endif
}

// Where the program, the only file that it maps, begins in memory.
std::uint64_t beginning_of(pid_t pid, std::string_view program) {
  const auto maps = read_file({.path = fmt::format("/proc/{}/maps", pid)}, MiB);
  const size_t name = maps ? maps->find(program) : std::string::npos;
  if (name == std::string::npos) give_up("the program is not mapped");
  const size_t line = maps->rfind('\n', name) + 1;  // npos + 1 is 0
  std::uint64_t begin = 0;
  std::from_chars(maps->data() + line, maps->data() + name, begin, 16);
  return begin;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) give_up("usage: steps FILE COMMAND...");
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    char* const none[] = {nullptr};
    ::execve(argv[2], argv + 2, none);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (!WIFSTOPPED(status)) give_up(fmt::format("{}: cannot be run", argv[2]));
  const std::uint64_t begin = beginning_of(pid, argv[2]);
  std::unordered_set<std::uint64_t> places;
  std::uint64_t count = 0;
  for (; WIFSTOPPED(status); ++count) {
    places.insert(place_of(pid) - begin);
    if (::ptrace(PTRACE_SINGLESTEP, pid, nullptr, nullptr) != 0) give_up("ptrace");
    ::waitpid(pid, &status, 0);
  }
  if (status != 0) give_up(fmt::format("{}: ended with status {:#x}", argv[2], status));
  std::set<std::uint64_t> pieces;
  std::string text;
  for (const std::uint64_t place : places) {
    pieces.insert(place / piece);
    text += fmt::format("{:016x}\n", place);
  }
  const auto written = replace_file(AT_FDCWD, argv[1], "", text);
  if (!written) give_up(written.error().message);
  return write_all(STDOUT_FILENO, fmt::format("{} {}\n", count, pieces.size()), "stdout") ? 0 : 1;
}
