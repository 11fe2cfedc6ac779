// SPDX-License-Identifier: Apache-2.0
#include "oci/container_root.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "support/catch.h"
#include "support/child_process.h"
#include "support/container.h"
#include "support/older_kernel.h"
#include "support/skip.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
namespace fs = std::filesystem;

namespace {

// A tree that serves as a container's root, in this process's own mount namespace.
struct Tree {
  TempDir host;
  std::string root = host / "rootfs";

  Tree() { fs::create_directories(root + "/run"); }
  ContainerRoot open(const std::string& path) const {
    const UniqueFd top(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    auto opened = ContainerRoot::beneath(top.get(), path, "");
    REQUIRE(opened);
    return std::move(*opened);
  }
  ContainerRoot open() const { return open(root); }
  Result<UniqueFd> make(std::string_view path) const { return open().make_directory(path); }
  std::string refusal(std::string_view path) const {
    const auto made = make(path);
    return made ? "made" : made.error().message;
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

TEST_CASE("the container's /proc, /sys and /dev are refused, however an image leads there") {
  const Tree tree;
  for (const char* path : {"/proc", "/proc/1", "/sys/kernel", "/dev", "/dev/shm/claude"}) {
    CHECK(tree.refusal(path) == std::string(path) + " in the container: is in a kernel file system");
  }
  const ContainerRoot host = tree.open("/");
  const auto through = [&](const char* name, const char* to) {
    const std::string link = tree.host / name;
    fs::create_directory_symlink(to, link);
    return host.make_directory(link + "/claude").error().message;
  };
  CHECK(through("rootfs/run/to-proc", "/proc/self").find("kernel file system") != std::string::npos);
  CHECK(through("rootfs/run/to-dev", "/dev").find("is in /dev") != std::string::npos);
  CHECK_FALSE(fs::exists("/dev/claude"));
}

TEST_CASE("a service whose sandbox hides openat2 finds a directory all the same, but follows no link to it") {
  const Tree tree;
  fs::create_directories(tree.root + "/run/secrets/claude");
  fs::create_directory_symlink("/run", tree.root + "/var");
  const ChildProcess service([&] {
    forget_call(SYS_openat2);
    const ContainerRoot root = tree.open();
    const auto found = root.open_directory("/run/secrets/claude");
    const bool is_same =
        found && is_same_file(file_id(found->get()), file_id({.path = tree.root + "/run/secrets/claude"}));
    return (is_same ? "found; " : "not found; ") + root.open_directory("/var/secrets").error().message +
           "; " + root.open_directory("/run/../run").error().message;
  });
  CHECK(service.answer() ==
        "found; /var/secrets in the container: openat2: Too many levels of symbolic links; "
        "/run/../run in the container: openat2: Function not implemented");
}

TEST_CASE("a link to the container's root is not a separate directory") {
  const Tree tree;
  fs::create_directory_symlink("../../..", tree.root + "/run/secrets");
  CHECK(tree.refusal("/run/secrets") == "/run/secrets in the container: is a link to the container's root");
}

TEST_CASE("the root itself is not a separate directory") {
  CHECK(Tree().refusal("/") == "/ in the container: is a link to the container's root");
}

TEST_CASE("a component that is swapped with a link while it is made never leads out") {
  const Tree tree;
  const std::string canary = tree.host / "canary";
  fs::create_directories(canary);
  fs::create_directories(tree.root + "/run/swapped");
  fs::create_directory_symlink(canary, tree.root + "/run/link");
  const ChildProcess swapper([&] {
    const std::string one = tree.root + "/run/swapped", other = tree.root + "/run/link";
    while (true) ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE);
    return "";
  });
  const ContainerRoot root = tree.open();
  int made = 0;
  for (int i = 0; i < 2000; ++i) {
    if (root.make_directory("/run/swapped/" + std::to_string(i))) ++made;
  }
  CHECK(made > 0);
  CHECK(fs::is_empty(canary));
}

TEST_CASE("a name that only begins like the kernel's is a directory like any other") {
  const Tree tree;
  CHECK(tree.make("/device"));
  CHECK(tree.make("/system/claude"));
}

TEST_CASE("a dangling link is reported as such, and nothing is created") {
  const Tree tree;
  fs::create_directory_symlink("/nowhere", tree.root + "/run/secrets");
  CHECK(tree.refusal("/run/secrets/claude") == "/run/secrets in the container: is a dangling symbolic link");
  CHECK_FALSE(fs::exists(tree.root + "/nowhere"));
}

TEST_CASE("directories are made with mode 0755") {
  const Tree tree;
  REQUIRE(tree.make("/run/secrets/claude"));
  CHECK(fs::status(tree.root + "/run/secrets").permissions() == fs::perms(0755));
  CHECK(fs::status(tree.root + "/run/secrets/claude").permissions() == fs::perms(0755));
}

TEST_CASE("what is not there is not found, and opening it makes nothing") {
  const Tree tree;
  const ContainerRoot opened = tree.open();
  CHECK(opened.open_directory("/run"));
  CHECK(opened.open_directory("/run/secrets").error().kind == ErrorKind::not_found);
  CHECK_FALSE(fs::exists(tree.root + "/run/secrets"));
}

TEST_CASE("a link in the path of the root file system is the container's, not the caller's") {
  const Tree tree;
  fs::create_directories(tree.host / "engine/data/rootfs/run");
  fs::create_directory_symlink("/data", tree.host / "engine/var");
  const Container container([&] {
    const bool done = ::unshare(CLONE_NEWNS) == 0 && ::chroot((tree.host / "engine").c_str()) == 0;
    return done ? std::string("ready") : failed("skipped: chroot");
  });
  REQUIRE(container.ready());
  const auto process = ContainerProcess::open(container.pid());
  const auto root =
      process ? ContainerRoot::open(*process, "/var/rootfs") : Result<ContainerRoot>(process.error());
  if (skipped(container.outcome())) return;
  REQUIRE(root);
  REQUIRE(root->make_directory("/run/secrets"));
  CHECK(fs::is_directory(tree.host / "engine/data/rootfs/run/secrets"));
}

namespace {

// A tree whose container has a user namespace, with a tmpfs of its own at /run and a home of its user 1000
// that is on the host's file system.
struct MappedTree : Tree {
  std::string make_in_container(const std::string& path) {
    fs::permissions(host.path(), fs::perms(0755));
    fs::create_directories(root + "/home/node");
    if (::chown((root + "/home/node").c_str(), 101000, 101000) != 0) return failed("chown");
    const Container container(Mapping{"0 100000 65536"}, [&] {
      const int mounted = ::mount("tmpfs", (root + "/run").c_str(), "tmpfs", 0, "");
      return mounted == 0 ? std::string("ready") : failed("tmpfs");
    });
    const auto process = ContainerProcess::open(container.pid());
    if (!container.ready() || !process) return container.outcome();
    const auto opened = ContainerRoot::open(*process, root);
    const auto made = opened ? opened->make_directory(path) : Result<UniqueFd>(opened.error());
    if (!made) return made.error().message;
    struct stat status;
    if (::fstat(made->get(), &status) != 0) return failed("fstat");
    return std::to_string(status.st_uid) + ":" + std::to_string(status.st_gid);
  }
};

}  // namespace

TEST_CASE("a file system of the container's user namespace takes directories of the container's root") {
  if (::geteuid() != 0) return skip("only root maps another's ids");
  CHECK(MappedTree().make_in_container("/run/secrets/claude") == "100000:100000");
}

TEST_CASE("a directory is made in one of the container's user, as the container's root could") {
  if (::geteuid() != 0) return skip("only root maps another's ids");
  CHECK(MappedTree().make_in_container("/home/node/.claude") == "100000:100000");
}

TEST_CASE("the ids of the caller are back once a directory is made") {
  if (::geteuid() != 0) return skip("only root maps another's ids");
  MappedTree tree;
  REQUIRE(tree.make_in_container("/home/node/.claude") == "100000:100000");
  REQUIRE(tree.make("/run2"));
  struct stat status;
  REQUIRE(::stat((tree.root + "/run2").c_str(), &status) == 0);
  CHECK(status.st_uid == 0);
}
