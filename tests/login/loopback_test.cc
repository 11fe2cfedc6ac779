// SPDX-License-Identifier: Apache-2.0
#include "login/loopback.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

constexpr auto bound = 5s;

std::uint16_t port_of(const LoopbackListener& listener) {
  const std::string& uri = listener.redirect_uri();
  return static_cast<std::uint16_t>(std::stoi(uri.substr(uri.find(':', 8) + 1)));
}

UniqueFd connect_to(const LoopbackListener& listener) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port_of(listener));
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

void send_to(const UniqueFd& fd, std::string_view text) {
  REQUIRE(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

struct Server {
  LoopbackListener listener;
  std::vector<std::string> queries = {};

  explicit Server(const std::string& uri = "") : listener(open(uri)) {}
  static LoopbackListener open(const std::string& uri) {
    auto opened = LoopbackListener::open(uri);
    REQUIRE(opened);
    return std::move(*opened);
  }
  void serve() {
    auto any = listener.waiting();
    (void)wait_readable(any, std::chrono::steady_clock::now() + bound);
    listener.serve([this](std::string_view query) -> std::optional<std::string_view> {
      queries.emplace_back(query);
      return query == "right" ? std::optional<std::string_view>("thanks") : std::nullopt;
    });
  }
  // What the client reads until the connection ends.
  std::string answer_to(const UniqueFd& client) {
    std::string text;
    const auto end = std::chrono::steady_clock::now() + bound;
    while (std::chrono::steady_clock::now() < end) {
      if (!is_readable(client.get())) {
        serve();
        continue;
      }
      char buffer[4096];
      const ssize_t count = ::recv(client.get(), buffer, sizeof buffer, 0);
      if (count <= 0) return text;
      text.append(buffer, static_cast<size_t>(count));
    }
    return "no end";
  }
  std::string answer_to(std::string_view request) {
    const UniqueFd client = connect_to(listener);
    send_to(client, request);
    return answer_to(client);
  }
};

}  // namespace

TEST_CASE("nothing but GET of the path has a query") {
  CHECK(query_of_request("GET /callback?code=a HTTP/1.1\r\nHost: x\r\n\r\n", "/callback") == "code=a");
  CHECK(query_of_request("GET /callback? HTTP/1.0\r\n\r\n", "/callback") == "");
  for (const char* head :
       {"", "GET", "GET /callback HTTP/1.1", "GET /callback/?a HTTP/1.1", "GET /callbackx?a HTTP/1.1",
        "GET  /callback?a HTTP/1.1", "get /callback?a HTTP/1.1", "POST /callback?a HTTP/1.1",
        "HEAD /callback?a HTTP/1.1", "GET /callback?a", "GET /callback?a HTTP/2",
        "GET http://x/callback?a HTTP/1.1", "\r\nGET /callback?a HTTP/1.1"}) {
    INFO(head);
    CHECK_FALSE(query_of_request(head, "/callback"));
  }
}

TEST_CASE("the right request gets the page, and every other one 404") {
  Server server;
  CHECK_THAT(server.listener.redirect_uri(),
             Catch::StartsWith("http://127.0.0.1:") && Catch::EndsWith("/callback"));
  CHECK_THAT(server.answer_to("GET /favicon.ico HTTP/1.1\r\n\r\n"), Catch::StartsWith("HTTP/1.1 404 "));
  CHECK_THAT(server.answer_to("GET /callback?wrong HTTP/1.1\r\n\r\n"), Catch::StartsWith("HTTP/1.1 404 "));
  const std::string page = server.answer_to("GET /callback?right HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK_THAT(page, Catch::StartsWith("HTTP/1.1 200 OK\r\n") && Catch::Contains("<p>thanks</p>") &&
                       Catch::Contains("Cache-Control: no-store"));
  CHECK(server.queries == std::vector<std::string>{"wrong", "right"});
}

TEST_CASE("a request may come in pieces") {
  Server server;
  const UniqueFd client = connect_to(server.listener);
  for (const char* piece : {"GET /call", "back?right HTTP/1.1\r\n", "Host: x\r\n\r"}) {
    send_to(client, piece);
    server.serve();
  }
  CHECK(server.queries.empty());
  send_to(client, "\n");
  CHECK_THAT(server.answer_to(client), Catch::StartsWith("HTTP/1.1 200 "));
}

TEST_CASE("who says nothing or too much does not hold the listener up") {
  Server server;
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 40; ++i) {
    silent.push_back(connect_to(server.listener));
    server.serve();
  }
  CHECK(server.listener.waiting().size() <= 17);
  CHECK(server.listener.deadline() <= std::chrono::steady_clock::now() + 10s);
  CHECK(server.answer_to(std::string(20000, 'x')).empty());
  CHECK_THAT(server.answer_to("GET /callback?right HTTP/1.1\r\n\r\n"), Catch::StartsWith("HTTP/1.1 200 "));
}

TEST_CASE("a registered address is used as it is") {
  Server any("http://localhost/a");
  CHECK_THAT(any.listener.redirect_uri(), Catch::StartsWith("http://localhost:") && Catch::EndsWith("/a"));
  const auto taken = LoopbackListener::open(any.listener.redirect_uri());
  REQUIRE_FALSE(taken);
  CHECK(taken.error().message == "redirect_uri: " + any.listener.redirect_uri() + ": Address already in use");
}
