// SPDX-License-Identifier: Apache-2.0
#include "proxy/relay.h"

#include <sys/socket.h>

#include <thread>

#include "base/child.h"
#include "base/unix_socket.h"
#include "proxy/read_from.h"
#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

// A relay that runs on a thread of its own; the test is nginx, and the containers.
class Relayed {
 public:
  Relayed() : stop_(std::move(*make_pipe())) {
    nginx_ = std::move(*listen_unix(directory_ / "claude.sock"));
    loop_.watch(stop_.reading.get(), EPOLLIN, [this] { loop_.stop(); });
  }
  ~Relayed() {
    stop_.writing.reset();
    if (thread_.joinable()) thread_.join();
  }

  // A container that ends when the result is closed.
  UniqueFd container(const std::string& id) {
    Pipe life = std::move(*make_pipe());
    ContainerSockets sockets = {{}, std::move(life.reading)};
    sockets.listening.push_back(std::move(*listen_unix(directory_ / id)));
    relay_.admit("claude", id, std::move(sockets));
    return std::move(life.writing);
  }
  void start() {
    thread_ = std::thread([this] { loop_.run(); });
  }

  UniqueFd client(const std::string& id) { return std::move(*connect_unix({.path = directory_ / id})); }
  UniqueFd at_nginx() {
    REQUIRE(wait_readable(nginx_.get(), std::chrono::steady_clock::now() + event_wait));
    return UniqueFd(::accept4(nginx_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  Relay& relay() { return relay_; }

 private:
  TempDir directory_;
  EventLoop loop_;
  Pipe stop_;
  UniqueFd nginx_;
  Relay relay_{loop_, directory_.path(), [](const ProxiedContainer&) {}};
  std::thread thread_;
};

}  // namespace

TEST_CASE("nginx learns which container asks, and both sides hear each other", "[relay]") {
  Relayed relayed;
  const UniqueFd one = relayed.container("one"), two = relayed.container("two");
  relayed.start();
  const UniqueFd client = relayed.client("two");
  const UniqueFd server = relayed.at_nginx();
  CHECK(read_from(server.get()) == "PROXY TCP6 fd00::0:2 fd00:: 1 1\r\n");
  REQUIRE(send_message(client.get(), "question", {}));
  CHECK(read_from(server.get()) == "question");
  REQUIRE(send_message(server.get(), "answer", {}));
  CHECK(read_from(client.get()) == "answer");
  ::shutdown(client.get(), SHUT_WR);
  CHECK(read_from(server.get()).empty());
  REQUIRE(send_message(server.get(), "still", {}));
  CHECK(read_from(client.get()) == "still");
}

TEST_CASE("a container that ends has no connection any more", "[relay]") {
  Relayed relayed;
  UniqueFd one = relayed.container("one");
  relayed.start();
  const UniqueFd client = relayed.client("one");
  const UniqueFd server = relayed.at_nginx();
  CHECK(read_from(server.get()).starts_with("PROXY "));
  one.reset();
  CHECK(read_from(client.get()).empty());
  CHECK(read_from(server.get()).empty());
}

TEST_CASE("what nginx answered is counted for the container that asked", "[relay]") {
  Relayed relayed;
  const UniqueFd one = relayed.container("one");
  Relay& relay = relayed.relay();
  CHECK(relay.note_answer("fd00::0:1", 200, 10) == "claude one");
  CHECK(relay.note_answer("fd00::0:1", 403, 5) == "claude one");
  CHECK(relay.note_answer("fd00::0:2", 200, 5) == "fd00::0:2");
  for (const char* address : {"", "fd00::", "fd00::1", "fd00::0:", "fd00::g:1", "fd00::0:1x", "::1"})
    CHECK(relay.note_answer(address, 200, 5) == address);
  const ProxiedContainer& traffic = relay.containers().at("fd00::0:1").traffic;
  CHECK(traffic.requests == 2);
  CHECK(traffic.refused == 1);
  CHECK(traffic.bytes == 15);
}
