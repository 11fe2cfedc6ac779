// SPDX-License-Identifier: Apache-2.0
// oci-oauth-demo-endpoint: a token endpoint on loopback for the demonstration, which issues tokens that
// nobody else accepts, and an API that accepts them. Writes an expired login to DIRECTORY/login.json, prints
// the endpoint's URL, and answers one request at a time until it is killed.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

#include "base/file.h"
#include "base/fmt.h"
#include "base/time.h"
#include "program/log.h"
#include "program/standard_options.h"

namespace oci_oauth {

namespace {

constexpr size_t longest_request = 64 * KiB;
constexpr int lifetime_seconds = 8 * 60 * 60;

std::string random_token(std::string_view prefix) {
  unsigned char bytes[32];
  if (::getentropy(bytes, sizeof bytes) != 0) throw std::runtime_error("getentropy failed");
  return fmt::format("{}{:02x}", prefix, fmt::join(bytes, ""));
}

struct Tokens {
  std::string access = random_token("sk-ant-oat01-"), refresh = random_token("sk-ant-ort01-");
};

// In the form of Claude Code's login.
std::string expired_login(const Tokens& tokens) {
  const auto expired = (now() - std::chrono::hours(1)).time_since_epoch();
  return fmt::format(R"({{"claudeAiOauth": {{"accessToken": "{}", "refreshToken": "{}", "expiresAt": {},
  "scopes": ["user:inference"]}}}}
)",
                     tokens.access, tokens.refresh, expired.count());
}

// The body is complete once the JSON object that it is has ended (RFC 9112; our client sends a small one). A
// request to the API has none.
std::string read_request(int connection) {
  std::string request;
  char part[4 * KiB];
  while (request.size() < longest_request && !request.ends_with('}') &&
         !(request.starts_with("GET ") && request.ends_with("\r\n\r\n"))) {
    const ssize_t count = ::read(connection, part, sizeof part);
    if (count <= 0) break;
    request.append(part, static_cast<size_t>(count));
  }
  return request;
}

// RFC 6749 section 6, with rotation: a refresh token counts once. RFC 6750 section 2.1.
std::string answer(std::string_view request, Tokens& tokens) {
  std::string_view status = "400 Bad Request";
  std::string body = R"({"error": "invalid_grant"})";
  if (request.find("Authorization: Bearer " + tokens.access + "\r\n") != std::string_view::npos) {
    status = "200 OK";
    body = R"({"data": [{"type": "model", "id": "a-model"}]})";
  } else if (request.find('"' + tokens.refresh + '"') != std::string_view::npos) {
    tokens = Tokens();
    status = "200 OK";
    body = fmt::format(
        R"({{"access_token": "{}", "refresh_token": "{}", "token_type": "Bearer", "expires_in": {}}})",
        tokens.access, tokens.refresh, lifetime_seconds);
  }
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
      status, body.size(), body);
}

Result<void> serve(const std::string& directory) {
  Tokens tokens;
  const auto place = TRY(open_file({.path = directory}, O_RDONLY | O_DIRECTORY));
  TRY(replace_file(place.get(), "login.json", directory, expired_login(tokens)));
  const UniqueFd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listening.get(), name, size) != 0 || ::listen(listening.get(), SOMAXCONN) != 0 ||
      ::getsockname(listening.get(), name, &size) != 0)
    return Error::from_errno(errno, "listen on 127.0.0.1");
  TRY(write_all(STDOUT_FILENO, fmt::format("http://127.0.0.1:{}/token\n", ntohs(address.sin_port)),
                "stdout"));
  while (true) {
    const UniqueFd connection(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) continue;
    // A client that has left is no failure.
    (void)write_all(connection.get(), answer(read_request(connection.get()), tokens), "answer");
  }
}

}  // namespace

}  // namespace oci_oauth

int main(int argc, char** argv) {
  using namespace oci_oauth;
  constexpr auto help =
      "usage: oci-oauth-demo-endpoint DIRECTORY\n\na token endpoint for 'oci-oauth demo', which starts it\n";
  if (const auto answered = answer_standard_options(argc, argv, "oci-oauth-demo-endpoint", help))
    return *answered;
  const Log log = Log::to_stderr("oci-oauth-demo-endpoint");
  return run_reported(log, [&]() -> Result<ExitCode> {
    TRY(check_operands(argc, argv, 1));
    return serve(argv[1]).error();
  });
}
