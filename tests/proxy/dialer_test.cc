// SPDX-License-Identifier: Apache-2.0
#include "proxy/dialer.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>

#include "base/child.h"
#include "base/unix_socket.h"
#include "proxy/read_from.h"
#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

// An API at a port of its own on 127.0.0.1, on which nobody listens before listen().
class Upstream {
 public:
  Upstream() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    auto* const generic = reinterpret_cast<sockaddr*>(&address_);
    REQUIRE(::bind(socket_.get(), generic, size) == 0);
    REQUIRE(::getsockname(socket_.get(), generic, &size) == 0);
    port = std::to_string(ntohs(address_.sin_port));
  }
  void listen() const { REQUIRE(::listen(socket_.get(), 5) == 0); }
  // With one connection in its queue, which is full: others wait until it is taken, and then for a second,
  // tcp(7).
  UniqueFd listen_full() const {
    REQUIRE(::listen(socket_.get(), 0) == 0);
    UniqueFd first(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(first.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0);
    return first;
  }
  UniqueFd caller() const {
    REQUIRE(wait_readable(socket_.get(), std::chrono::steady_clock::now() + event_wait));
    return UniqueFd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }

  std::string port;

 private:
  UniqueFd socket_;
  sockaddr_in address_ = {};
};

// A dialer on a thread of its own; the test is nginx, and the API.
class Dialled {
 public:
  explicit Dialled(const std::vector<PreparedProfile>& profiles) : stop_(std::move(*make_pipe())) {
    REQUIRE(dialer_.serve(profiles));
    loop_.watch(stop_.reading.get(), EPOLLIN, [this] { loop_.stop(); });
    start();
  }
  ~Dialled() { stop(); }

  // Also serves these.
  void serve(const std::vector<PreparedProfile>& profiles) {
    stop();
    stop_ = std::move(*make_pipe());
    loop_.watch(stop_.reading.get(), EPOLLIN, [this] { loop_.stop(); });
    REQUIRE(dialer_.serve(profiles));
    start();
  }
  Result<UniqueFd> nginx(const std::string& profile) {
    return connect_unix({.path = directory_ / profile + ".api"});
  }

 private:
  void start() {
    thread_ = std::thread([this] { loop_.run(); });
  }
  void stop() {
    stop_.writing.reset();
    thread_.join();
    loop_.forget(stop_.reading.get());
  }

  TempDir directory_;
  Log log_ = Log::to_stderr("test");
  EventLoop loop_;
  Pipe stop_;
  Dialer dialer_{loop_, directory_.path(), log_};
  std::thread thread_;
};

}  // namespace

TEST_CASE("a connection of nginx is one to the API's name", "[dialer]") {
  const Upstream api;
  api.listen();
  Dialled dialled({{"claude", "localhost", api.port}});
  for (int i = 0; i < 3; ++i) {
    const auto nginx = dialled.nginx("claude");
    REQUIRE(nginx);
    REQUIRE(send_message(nginx->get(), "question", {}));
    const UniqueFd caller = api.caller();
    CHECK(read_from(caller.get()) == "question");
    REQUIRE(send_message(caller.get(), "answer", {}));
    CHECK(read_from(nginx->get()) == "answer");
  }
}

TEST_CASE("an API that cannot be reached ends the connection, and not the next one", "[dialer]") {
  const Upstream api;
  Dialled dialled({{"claude", "127.0.0.1", api.port}, {"unknown", "no-such-host.invalid", "443"}});
  for (const char* profile : {"claude", "unknown"}) {
    const auto nginx = dialled.nginx(profile);
    REQUIRE(nginx);
    CHECK(read_from(nginx->get()).empty());
  }
  api.listen();
  const auto nginx = dialled.nginx("claude");
  REQUIRE(nginx);
  const UniqueFd caller = api.caller();
  REQUIRE(send_message(caller.get(), "answer", {}));
  CHECK(read_from(nginx->get()) == "answer");
}

TEST_CASE("profiles come, move and go without ending connections", "[dialer]") {
  const Upstream first, second;
  first.listen();
  second.listen();
  Dialled dialled({{"claude", "127.0.0.1", first.port}});
  const auto kept = dialled.nginx("claude");
  REQUIRE(kept);
  const UniqueFd caller = first.caller();
  dialled.serve({{"claude", "127.0.0.1", second.port}, {"other", "127.0.0.1", first.port}});
  REQUIRE(send_message(caller.get(), "still", {}));
  CHECK(read_from(kept->get()) == "still");
  const auto moved = dialled.nginx("claude"), other = dialled.nginx("other");
  REQUIRE(moved);
  REQUIRE(other);
  (void)second.caller();
  (void)first.caller();
  dialled.serve({{"other", "127.0.0.1", first.port}});
  CHECK_FALSE(dialled.nginx("claude"));
  CHECK(dialled.nginx("other"));
}

TEST_CASE("a connection that is open only after the dialer's end is closed", "[dialer]") {
  const Upstream api, nobody;
  const UniqueFd first = api.listen_full();
  {
    Dialled dialled({{"claude", "127.0.0.1", api.port}, {"nobody", "127.0.0.1", nobody.port}});
    const auto nginx = dialled.nginx("claude");
    REQUIRE(nginx);
    const auto next = dialled.nginx("nobody");
    REQUIRE(next);
    CHECK(read_from(next->get()).empty());  // so the one before has been accepted
  }
  (void)api.caller();
  const UniqueFd late = api.caller();
  CHECK(read_from(late.get()).empty());
}
