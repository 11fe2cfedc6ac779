// SPDX-License-Identifier: Apache-2.0
// ask-refresher: many callers of `oci-oauth serve` at once, well-behaved ones or not.
//
//   ask-refresher SOCKET ask COUNT PROFILE    COUNT callers ask, then all wait; prints how many were answered
//   ask-refresher SOCKET hold COUNT [TEXT]    COUNT callers send TEXT, no question, and stay until SIGTERM
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace oci_oauth::test {
namespace {

constexpr int answer_bound_ms = 30000;

Result<UniqueFd> call(std::string_view path) {
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return Error::from_errno(errno, path);
  return socket;
}

Result<std::vector<UniqueFd>> call_often(std::string_view path, size_t count, std::string_view text) {
  std::vector<UniqueFd> callers;
  while (callers.size() < count) {
    auto socket = call(path);
    if (!socket) return std::move(socket).error();
    (void)::send(socket->get(), text.data(), text.size(), MSG_NOSIGNAL);
    callers.push_back(std::move(*socket));
  }
  return callers;
}

// The answer, or "none" where the server hung up or let the bound pass.
std::string answer_to(const UniqueFd& caller) {
  pollfd readable = {.fd = caller.get(), .events = POLLIN, .revents = 0};
  char line[16];
  const ssize_t count =
      ::poll(&readable, 1, answer_bound_ms) > 0 ? ::recv(caller.get(), line, sizeof line, 0) : 0;
  return count > 1 ? std::string(line, static_cast<size_t>(count) - 1) : "none";
}

void print_answers(const std::vector<UniqueFd>& callers) {
  std::map<std::string, size_t> answers;
  for (const UniqueFd& caller : callers) ++answers[answer_to(caller)];
  for (const auto& [answer, count] : answers) std::puts(fmt::format("{} answered {}", count, answer).c_str());
}

Result<void> run(const std::vector<std::string_view>& words) {
  if (words.size() < 3)
    return Error{ErrorKind::usage, "SOCKET ask COUNT PROFILE, or SOCKET hold COUNT [TEXT]"};
  size_t count = 0;
  std::from_chars(words[2].data(), words[2].data() + words[2].size(), count);
  const std::string text(words.size() > 3 ? words[3] : "");
  const bool asks = words[1] == "ask";
  auto callers = call_often(words[0], count, asks ? text + "\n" : text);
  if (!callers) return std::move(callers).error();
  if (asks) {
    print_answers(*callers);
  } else {
    std::puts("holding");
    std::fflush(stdout);
    ::pause();
  }
  return {};
}

}  // namespace
}  // namespace oci_oauth::test

int main(int argc, char** argv) {
  const auto done = oci_oauth::test::run({argv + 1, argv + argc});
  if (!done) std::fprintf(stderr, "ask-refresher: error: %s\n", done.error().message.c_str());
  return done ? 0 : 1;
}
