// SPDX-License-Identifier: Apache-2.0
#include "base/unix_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "support/catch.h"
#include "support/temp_dir.h"

namespace oci_oauth {

namespace {

UniqueFd listen_below(int directory) {
  const sockaddr_un address = *unix_address({directory, "socket"});
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(socket.get(), 1) == 0);
  return socket;
}

}  // namespace

TEST_CASE("a socket is reached through its directory, however long its path is") {
  const TempDir dir;
  const std::string deep = dir / std::string(150, 'd');
  std::filesystem::create_directory(deep);
  const UniqueFd directory(::open(deep.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd listening = listen_below(directory.get());
  CHECK(connect_unix({directory.get(), "socket"}));
  const auto by_path = connect_unix({.path = deep + "/socket"});
  REQUIRE_FALSE(by_path);
  CHECK(by_path.error().message == deep + "/socket: File name too long");
}

TEST_CASE("where nobody listens, the failure has the name that messages use") {
  const TempDir dir;
  const auto connection = connect_unix({AT_FDCWD, dir / "socket", "the refresher"});
  REQUIRE_FALSE(connection);
  CHECK(connection.error().message == "the refresher: No such file or directory");
}

TEST_CASE("a connection blocks only if it is asked for") {
  const TempDir dir;
  const UniqueFd directory(::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd listening = listen_below(directory.get());
  const auto flags = [&](Blocking blocking) {
    return ::fcntl(connect_unix({.path = dir / "socket"}, blocking)->get(), F_GETFL);
  };
  CHECK((flags(Blocking::yes) & O_NONBLOCK) == 0);
  CHECK((flags(Blocking::no) & O_NONBLOCK) != 0);
}

TEST_CASE("a listening socket is for its owner, and replaces one that was left there") {
  const TempDir dir;
  const std::string path = dir / "socket";
  for (int i = 0; i < 2; ++i) {
    const auto listening = listen_unix(path);
    REQUIRE(listening);
    CHECK(connect_unix({.path = path}));
    CHECK((std::filesystem::status(path).permissions() & std::filesystem::perms::mask) ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  }
  const auto nowhere = listen_unix(dir / "none/socket");
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().message == dir / "none/socket: No such file or directory");
}

}  // namespace oci_oauth
