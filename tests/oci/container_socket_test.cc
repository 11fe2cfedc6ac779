// SPDX-License-Identifier: Apache-2.0
#include "oci/container_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/unix_socket.h"
#include "base/wait.h"
#include "support/catch.h"
#include "support/child_process.h"
#include "support/container.h"
#include "support/skip.h"

using namespace oci_oauth;
using Catch::Contains;

namespace {

constexpr uid_t somebody = 59999;

constexpr std::uint16_t port = 8788;

enum class Network { own, shared };

std::string set_up(Network network) {
  if (::unshare(CLONE_NEWNS | (network == Network::own ? CLONE_NEWNET : 0)) != 0) return failed("unshare");
  if (network == Network::shared) return "ready";
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = {};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0 ? "ready" : failed("lo");
}

std::string connect_to_port() {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool done = ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  return done ? "connected" : failed("connect");
}

std::string connect_in(const ContainerProcess& container) {
  const ChildProcess client([&] {
    if (::setns(container.fd(), CLONE_NEWNET) != 0) return failed("setns");
    return connect_to_port();
  });
  return client.answer();
}

}  // namespace

TEST_CASE("every user of a container can connect to its socket, which is alone in its file system") {
  if (without_root()) return;
  const auto made = make_socket_tree("api.sock");
  REQUIRE(made);
  const ChildProcess client([&] {
    if (::setuid(somebody) != 0) return failed("setuid");
    const auto connection = connect_unix({made->tree.get(), "api.sock", "api.sock"});
    return connection ? "connected" : connection.error().message;
  });
  CHECK(client.answer() == "connected");
  REQUIRE(wait_readable(made->listening.get(), std::chrono::steady_clock::now() + Milliseconds(child_bound)));
  CHECK(UniqueFd(::accept4(made->listening.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  const auto other = make_socket_tree("api.sock");
  REQUIRE(other);
  CHECK(file_id(made->tree.get()) != file_id(other->tree.get()));
}

TEST_CASE("nothing can be made or changed beside a container's socket") {
  if (without_root()) return;
  const auto made = make_socket_tree("api.sock");
  REQUIRE(made);
  const int tree = made->tree.get();
  CHECK((::openat(tree, "x", O_CREAT | O_WRONLY | O_CLOEXEC, 0600) < 0 && errno == EROFS));
  CHECK((::unlinkat(tree, "api.sock", 0) != 0 && errno == EROFS));
  CHECK((::fchmodat(tree, "api.sock", 0600, 0) != 0 && errno == EROFS));
  struct stat socket;
  REQUIRE(::fstatat(tree, "api.sock", &socket, 0) == 0);
  CHECK(socket.st_mode == (S_IFSOCK | 0666));
}

TEST_CASE("a container's port is on its own loopback interface, and on no other one") {
  if (without_root()) return;
  const Container container([] { return set_up(Network::own); }), other([] { return set_up(Network::own); });
  REQUIRE((container.ready() && other.ready()));
  const auto process = ContainerProcess::open(container.pid()),
             neighbour = ContainerProcess::open(other.pid());
  REQUIRE((process && neighbour));
  const auto listening = listen_on_loopback(*process, port);
  REQUIRE(listening);
  CHECK(connect_in(*process) == "connected");
  CHECK(UniqueFd(::accept4(listening->get(), nullptr, nullptr, SOCK_CLOEXEC)));
  CHECK(connect_in(*neighbour) == "connect: Connection refused");
  CHECK(connect_to_port() == "connect: Connection refused");

  const auto again = listen_on_loopback(*process, port);
  REQUIRE_FALSE(again);
  CHECK_THAT(again.error().message, Contains("port 8788") && Contains("Address already in use"));
  CHECK(listen_on_loopback(*neighbour, port));
}

TEST_CASE("a port that is taken is reported, even if the caller was started with SIGCHLD ignored") {
  if (without_root()) return;
  const Container container([] { return set_up(Network::own); });
  REQUIRE(container.ready());
  const auto process = ContainerProcess::open(container.pid());
  REQUIRE(process);
  const auto listening = listen_on_loopback(*process, port);
  REQUIRE(listening);
  ::signal(SIGCHLD, SIG_IGN);
  CHECK_FALSE(listen_on_loopback(*process, port));
  ::signal(SIGCHLD, SIG_DFL);
}

TEST_CASE("a container that shares the host's network gets no port") {
  if (without_root()) return;
  const Container container([] { return set_up(Network::shared); });
  REQUIRE(container.ready());
  const auto process = ContainerProcess::open(container.pid());
  REQUIRE(process);
  const auto listening = listen_on_loopback(*process, port);
  REQUIRE_FALSE(listening);
  CHECK_THAT(listening.error().message, Contains("it shares the host's network"));
  CHECK_THAT(listening.error().hint, Contains("loopback_port"));
  CHECK(connect_to_port() == "connect: Connection refused");
}
