// SPDX-License-Identifier: Apache-2.0
#include "oci/container_root.h"

#include <unistd.h>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
namespace fs = std::filesystem;

namespace {

// A tree that serves as a container's root, in this process's own mount namespace.
struct Tree {
  TempDir host;
  std::string root = host / "rootfs";

  Tree() { fs::create_directories(root + "/run"); }
  Result<UniqueFd> make(std::string_view path) const {
    auto opened = ContainerRoot::open(::getpid(), root);
    REQUIRE(opened);
    return opened->make_directory(path, std::nullopt);
  }
};

}  // namespace

TEST_CASE("missing directories are made beneath the root") {
  const Tree tree;
  REQUIRE(tree.make("/run/secrets/claude"));
  CHECK(fs::is_directory(tree.root + "/run/secrets/claude"));
}

TEST_CASE("an absolute link leads to a place inside the container") {
  const Tree tree;
  fs::create_directory_symlink("/run", tree.root + "/var");
  fs::create_directory_symlink("/etc", tree.root + "/run/secrets");
  fs::create_directories(tree.root + "/etc");
  REQUIRE(tree.make("/var/secrets/claude-of-a-test"));
  CHECK(fs::is_directory(tree.root + "/etc/claude-of-a-test"));
  CHECK_FALSE(fs::exists("/etc/claude-of-a-test"));
}

TEST_CASE("a chain of '..' ends at the container's root") {
  const Tree tree;
  fs::create_directory_symlink("../../../../../../../..", tree.root + "/run/up");
  REQUIRE(tree.make("/run/up/made-by-a-test"));
  CHECK(fs::is_directory(tree.root + "/made-by-a-test"));
}

TEST_CASE("a loop, a file, a FIFO and a magic link are refused with the reason") {
  const Tree tree;
  fs::create_symlink("loop", tree.root + "/run/loop");
  tree.host.write("rootfs/run/file", "x");
  REQUIRE(::mkfifo((tree.root + "/run/fifo").c_str(), 0600) == 0);
  CHECK_FALSE(tree.make("/run/loop/claude"));
  CHECK_FALSE(tree.make("/run/file"));
  CHECK_FALSE(tree.make("/run/file/claude"));
  CHECK_FALSE(tree.make("/run/fifo/claude"));
  CHECK_FALSE(tree.make("/proc/self/root/tmp"));
  CHECK(tree.make("/run/file/claude").error().message.find("openat2: Not a directory") != std::string::npos);
}
