// SPDX-License-Identifier: Apache-2.0
#include "delivery/proxy_client.h"

#include <sys/socket.h>

#include <thread>

#include "base/child.h"
#include "base/unix_socket.h"
#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
using Catch::Contains;

namespace {

// A runtime directory, and in it what stands in for the proxy: it takes one message and gives one answer.
class Answering {
 public:
  explicit Answering(std::string answer) : Answering() {
    socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = unix_address(runtime.proxy_socket());
    REQUIRE(address);
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0);
    REQUIRE(::listen(socket_.get(), 1) == 0);
    thread_ = std::thread([this, answer = std::move(answer)] {
      const UniqueFd caller(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (auto message = receive_message(caller.get())) received_ = std::move(*message);
      (void)send_message(caller.get(), answer, {});
    });
  }
  Answering() : runtime(std::move(*RuntimeDir::open(directory_ / "run"))) {}
  ~Answering() {
    if (thread_.joinable()) thread_.join();
  }

  const DescriptorMessage& received() {
    if (thread_.joinable()) thread_.join();
    return received_;
  }

 private:
  TempDir directory_;

 public:
  RuntimeDir runtime;

 private:
  UniqueFd socket_;
  DescriptorMessage received_;
  std::thread thread_;
};

Result<Admission> hand_over_to(const RuntimeDir& runtime, SteadyTime deadline, int on_loopback = -1,
                               int share = -1) {
  return hand_over(runtime, {"claude", "box", 0, 1, on_loopback, FileId{5, 7}, share}, deadline);
}
Result<Admission> hand_over_to(const RuntimeDir& runtime) {
  return hand_over_to(runtime, std::chrono::steady_clock::now() + std::chrono::seconds(20));
}

}  // namespace

TEST_CASE("a container's sockets are handed over under its name", "[proxy_client]") {
  const int on_loopback = GENERATE(-1, 2), share = GENERATE(-1, 2);
  Answering proxy{std::string(admitted)};
  const auto done = hand_over_to(proxy.runtime, std::chrono::steady_clock::now() + std::chrono::seconds(20),
                                 on_loopback, share);
  REQUIRE(done);
  CHECK(*done == Admission::done);
  CHECK(proxy.received().text == "admit\nclaude\nbox\n5:7");
  CHECK(proxy.received().descriptors.size() == 2u + (on_loopback == 2 ? 1 : 0) + (share == 2 ? 1 : 0));
}

TEST_CASE("a proxy that does not have the token's directory asks for it", "[proxy_client]") {
  const Answering proxy{std::string(wants_share)};
  const auto done = hand_over_to(proxy.runtime);
  REQUIRE(done);
  CHECK(*done == Admission::without_share);
}

TEST_CASE("what the proxy refuses has its reason", "[proxy_client]") {
  const Answering refusing("there is no profile 'claude'\n"), silent("");
  const auto refused = hand_over_to(refusing.runtime), ended = hand_over_to(silent.runtime);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "oci-oauth-proxy: there is no profile 'claude'");
  REQUIRE_FALSE(ended);
  CHECK_THAT(ended.error().message, Contains("without an answer"));
}

TEST_CASE("a proxy that does not run, or does not answer in time, is not waited for", "[proxy_client]") {
  const Answering nobody;
  const auto done = hand_over_to(nobody.runtime);
  REQUIRE_FALSE(done);
  CHECK_THAT(done.error().message, Contains("the proxy is not running"));
  CHECK(done.error().hint == "oci-oauth install proxy");
  CHECK(proxied_containers(nobody.runtime).empty());

  const UniqueFd busy(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = unix_address(nobody.runtime.proxy_socket());
  REQUIRE(::bind(busy.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0);
  REQUIRE(::listen(busy.get(), 1) == 0);
  const auto late = hand_over_to(nobody.runtime, std::chrono::steady_clock::now());
  REQUIRE_FALSE(late);
  CHECK_THAT(late.error().message, Contains("no answer in time"));
}

TEST_CASE("the proxy says what each container has asked", "[proxy_client]") {
  const Answering proxy(R"({"version": 1, "containers": [
      {"profile": "claude", "id": "box", "requests": 3, "refused": 1, "bytes": 70}]})");
  const auto containers = proxied_containers(proxy.runtime);
  REQUIRE(containers.size() == 1);
  CHECK(containers[0].id == "box");
  CHECK(containers[0].requests == 3);
  CHECK(containers[0].refused == 1);
  CHECK(containers[0].bytes == 70);
  CHECK(proxied_containers(Answering("{").runtime).empty());
}
