// SPDX-License-Identifier: Apache-2.0
// What a service that refreshes meets at the exchange's socket. The exchange itself, as a child and behind
// the socket, is run by tests/faults and tests/systemd.
#include "worker/worker.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <thread>

#include "support/catch.h"
#include "support/providers.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
using Catch::Contains;

namespace {

ExchangeRequest a_request(const TempDir& home) {
  ExchangeRequest request;
  request.profile.name = "claude";
  request.profile.credentials = home.write("login", "{}");
  auto provider = load_provider("claude", {test::providers_of(SOURCE_DIR)});
  REQUIRE(provider);
  request.provider = std::move(*provider);
  return request;
}

std::string line_of(const ExchangeReport& report) {
  return std::string(write_record(report).reveal()) + "\n";
}

// Serves one connection as systemd does for a socket with Accept=: reads to the end, and answers.
class OneConnection {
 public:
  OneConnection(const std::string& path, std::string answer) : listening_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(listening_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listening_.get(), 1) == 0);
    thread_ = std::thread([this, answer = std::move(answer)] {
      const UniqueFd connection(::accept(listening_.get(), nullptr, nullptr));
      char buffer[4096];
      for (ssize_t count; (count = ::read(connection.get(), buffer, sizeof buffer)) > 0;)
        request_.append(buffer, static_cast<size_t>(count));
      (void)::send(connection.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    });
  }
  ~OneConnection() {
    if (thread_.joinable()) thread_.join();
  }

  std::string request() {
    thread_.join();
    return request_;
  }

 private:
  UniqueFd listening_;
  std::string request_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("the request arrives with its owner, and the report is the answer") {
  const TempDir home;
  const std::string socket = home / "socket";
  ExchangeReport report;
  report.refreshed = true;
  OneConnection connection(socket, line_of(report));
  const auto answered = exchange_as_owner({"", socket}, a_request(home));
  const auto arrived = read_request(connection.request());
  REQUIRE(arrived);
  CHECK(arrived->profile.credentials == home / "login");
  CHECK(arrived->owner.has_value() == (::geteuid() == 0));
  INFO((answered ? "" : answered.error().message));
  REQUIRE(answered);
  CHECK(answered->refreshed);
}

TEST_CASE("where nobody listens, the socket is named with what to look at") {
  const TempDir home;
  for (const std::string& path : {home / "none", home / std::string(120, 'x')}) {
    const auto answered = exchange_as_owner({"", path}, a_request(home));
    REQUIRE_FALSE(answered);
    CHECK_THAT(answered.error().message, Contains(path));
    CHECK(answered.error().hint == "systemctl status oci-oauth-exchange.socket");
  }
}

TEST_CASE("an exchange that ends without a report may have sent something") {
  const TempDir home;
  const std::string answer = GENERATE("", R"({"refreshed":)", "\n");
  const std::string socket = home / "socket";
  const OneConnection connection(socket, answer);
  const auto answered = exchange_as_owner({"", socket}, a_request(home));
  REQUIRE_FALSE(answered);
  CHECK(answered.error().kind == ErrorKind::temporary);
  CHECK(answered.error().hint == "the next run completes it");
}

TEST_CASE("a report that names a file which nobody asked for is refused") {
  const TempDir home;
  const std::string socket = home / "socket";
  ExchangeReport report;
  report.login.emplace();
  report.login->files.push_back({"../token", Secret(std::string_view("x"))});
  const OneConnection connection(socket, line_of(report));
  const auto answered = exchange_as_owner({"", socket}, a_request(home));
  REQUIRE_FALSE(answered);
  CHECK(answered.error().message == "the exchange's report contains an unexpected file");
}
