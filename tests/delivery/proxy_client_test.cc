// SPDX-License-Identifier: Apache-2.0
#include "delivery/proxy_client.h"

#include <sys/socket.h>

#include <thread>

#include "base/child.h"
#include "base/descriptor_message.h"
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

Result<void> hand_over_to(const RuntimeDir& runtime, SteadyTime deadline, int on_loopback = -1) {
  return hand_over(runtime, {"claude", "box", 0, 1, 2, on_loopback}, deadline);
}
Result<void> hand_over_to(const RuntimeDir& runtime) {
  return hand_over_to(runtime, std::chrono::steady_clock::now() + std::chrono::seconds(20));
}

}  // namespace

TEST_CASE("a container's sockets are handed over under its name", "[proxy_client]") {
  const bool has_port = GENERATE(false, true);
  Answering proxy{std::string(admitted)};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  CHECK(hand_over_to(proxy.runtime, deadline, has_port ? 0 : -1));
  CHECK(proxy.received().text == "admit\nclaude\nbox");
  CHECK(proxy.received().descriptors.size() == (has_port ? 4 : 3));
}

TEST_CASE("what the proxy refuses has its reason", "[proxy_client]") {
  const Answering refusing("there is no profile 'claude'"), silent("");
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
