// SPDX-License-Identifier: Apache-2.0
#include "oci/socket_tree.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/unix_socket.h"
#include "base/wait.h"
#include "support/catch.h"
#include "support/child_process.h"
#include "support/skip.h"

using namespace oci_oauth;

namespace {

constexpr uid_t somebody = 59999;

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
