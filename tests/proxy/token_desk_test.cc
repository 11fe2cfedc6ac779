// SPDX-License-Identifier: Apache-2.0
#include "proxy/token_desk.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "base/child.h"
#include "base/file.h"
#include "base/unix_socket.h"
#include "base/wait.h"
#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

// A desk whose loop runs while a question is answered; a report is noted, and ends when a test says so.
class Desk {
 public:
  Desk() {
    auto listening = listen_unix(directory_ / "desk");
    REQUIRE(listening);
    desk_.emplace(
        loop_, std::move(*listening),
        [this](const std::string&, const Secret& token) -> Result<UniqueFd> {
          if (!can_report) return Error{ErrorKind::failed, "nobody is there"};
          reported.push_back(std::string(token.reveal()));
          pipe_ = std::move(*make_pipe());
          return std::move(pipe_.reading);
        },
        log_);
    CHECK(desk_->set_share("claude", share()));
  }

  bool learns_of_share() { return desk_->set_share("claude", share()); }

  void publish(const std::string& token) const { directory_.write("token", token); }
  void end_refresh() { pipe_.writing.reset(); }

  UniqueFd ask(const std::string& path, const std::string& rejected = "") {
    auto socket = connect_unix({.path = directory_ / "desk"});
    REQUIRE(socket);
    REQUIRE(send_message(socket->get(),
                         "GET " + path + " HTTP/1.0\r\n" +
                             (rejected.empty() ? "" : "X-Rejected: Bearer " + rejected + "\r\n") + "\r\n",
                         {}));
    return std::move(*socket);
  }

  // "none" if it does not come at once.
  std::string answer(const UniqueFd& socket) {
    turn();
    if (!is_readable(socket.get())) return "none";
    char buffer[1000];
    const ssize_t count = ::recv(socket.get(), buffer, sizeof buffer, 0);
    return {buffer, static_cast<size_t>(std::max<ssize_t>(count, 0))};
  }

  std::vector<std::string> reported;
  bool can_report = true;

 private:
  UniqueFd share() const {
    return std::move(*open_file({.path = directory_.path()}, O_RDONLY | O_DIRECTORY));
  }
  // Runs the loop until all that was ready is done: a pipe that is always ready stops it.
  void turn() {
    for (int i = 0; i < 5; ++i) {
      Pipe ready = std::move(*make_pipe());
      ready.writing.reset();
      EventLoop& loop = loop_;
      loop.watch(ready.reading.get(), EPOLLIN, [&loop] { loop.stop(); });
      loop.run();
      loop.forget(ready.reading.get());
    }
  }

  TempDir directory_;
  Log log_ = Log::to_stderr("test");
  EventLoop loop_;
  Pipe pipe_;
  std::optional<TokenDesk> desk_;
};

}  // namespace

TEST_CASE("the desk has the token that is published when it is asked", "[token_desk]") {
  Desk desk;
  CHECK(desk.answer(desk.ask("/token/claude")).starts_with("HTTP/1.1 401 "));
  for (const std::string token : {"abc", "def.-_~+/="}) {
    desk.publish(token);
    CHECK_THAT(desk.answer(desk.ask("/token/claude")),
               Catch::Contains("\r\nX-Authorization: Bearer " + token + "\r\n"));
  }
  CHECK(desk.answer(desk.ask("/token/other")).starts_with("HTTP/1.1 401 "));
  for (const std::string text : {"a b", "a\r\nX: y", ""}) {
    desk.publish(text);
    CHECK(desk.answer(desk.ask("/token/claude")).starts_with("HTTP/1.1 401 "));
  }
}

TEST_CASE("a connection serves one question after the other", "[token_desk]") {
  Desk desk;
  const UniqueFd nginx = desk.ask("/token/claude");
  CHECK(desk.answer(nginx).starts_with("HTTP/1.1 401 "));
  desk.publish("token");
  REQUIRE(send_message(nginx.get(), "GET /token/claude HTTP/1.1\r\n\r\n", {}));
  CHECK_THAT(desk.answer(nginx), Catch::Contains("Bearer token"));
  REQUIRE(send_message(nginx.get(), "GET /again/claude HTTP/1.1\r\nX-Rejected: Bearer token\r\n\r\n", {}));
  CHECK(desk.answer(nginx) == "none");
  desk.publish("new");
  desk.end_refresh();
  CHECK_THAT(desk.answer(nginx), Catch::Contains("Bearer new"));
  REQUIRE(send_message(nginx.get(), "GET /token/claude HTTP/1.1\r\n\r\n", {}));
  CHECK_THAT(desk.answer(nginx), Catch::Contains("Bearer new"));
}

TEST_CASE("a share that the desk knows is not kept twice", "[token_desk]") {
  Desk desk;
  desk.publish("token");
  CHECK_FALSE(desk.learns_of_share());
  CHECK_THAT(desk.answer(desk.ask("/token/claude")), Catch::Contains("Bearer token"));
}

TEST_CASE("a rejected token is reported once, and all who used it wait for the refresh", "[token_desk]") {
  Desk desk;
  desk.publish("old");
  const UniqueFd first = desk.ask("/again/claude", "old"), second = desk.ask("/again/claude", "old");
  CHECK(desk.answer(first) == "none");
  CHECK(desk.answer(second) == "none");
  CHECK(desk.reported == std::vector<std::string>{"old"});
  desk.publish("new");
  CHECK_THAT(desk.answer(desk.ask("/again/claude", "old")), Catch::Contains("Bearer new"));
  desk.end_refresh();
  CHECK_THAT(desk.answer(first), Catch::Contains("Bearer new"));
  CHECK_THAT(desk.answer(second), Catch::Contains("Bearer new"));
  CHECK(desk.reported.size() == 1);
}

TEST_CASE("a rejection that cannot be reported is answered with the token that there is", "[token_desk]") {
  Desk desk;
  desk.can_report = false;
  desk.publish("old");
  CHECK_THAT(desk.answer(desk.ask("/again/claude", "old")), Catch::Contains("Bearer old"));
}

TEST_CASE("requests that an API refuses whatever the token is cause one refresh", "[token_desk]") {
  Desk desk;
  desk.publish("first");
  const UniqueFd caller = desk.ask("/again/claude", "first");
  CHECK(desk.answer(caller) == "none");
  desk.publish("second");
  desk.end_refresh();
  CHECK_THAT(desk.answer(caller), Catch::Contains("Bearer second"));
  CHECK_THAT(desk.answer(desk.ask("/again/claude", "second")), Catch::Contains("Bearer second"));
  CHECK(desk.reported == std::vector<std::string>{"first"});
}
