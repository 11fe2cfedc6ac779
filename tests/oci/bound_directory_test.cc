// SPDX-License-Identifier: Apache-2.0
#include "oci/container_root.h"

#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "support/catch.h"
#include "support/container.h"
#include "support/older_kernel.h"
#include "support/skip.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
namespace fs = std::filesystem;

namespace {

constexpr const char* target = "/run/secrets/claude";
constexpr Owner user = {1000, 1001};

// A person's directory, and a container's root file system in which it is bound.
struct Host {
  TempDir dir;
  std::string source = dir / "tokens", rootfs = dir / "rootfs", place = rootfs + target;

  Host() {
    fs::permissions(dir.path(), fs::perms(0755));
    fs::create_directories(source);
    fs::create_directories(place);
  }

  std::string own_mounts() const {
    return ::unshare(CLONE_NEWNS) == 0 && ::mount("", "/", "", MS_REC | MS_PRIVATE, "") == 0
               ? "ready"
               : failed("mounts");
  }
  std::string bind(unsigned long flags = 0) const {
    if (const std::string mounts = own_mounts(); mounts != "ready") return mounts;
    if (::mount(source.c_str(), place.c_str(), "", MS_BIND, "") != 0) return failed("bind");
    if (flags != 0 && ::mount("", place.c_str(), "", MS_BIND | MS_REMOUNT | flags, "") != 0)
      return failed("remount");
    return "ready";
  }
  // As Kubernetes does for the volumes of a pod with a user namespace, and Podman for ":idmap": with the map
  // of the user namespace of `whose`, into the mounts of `container`.
  std::string bind_idmapped(const Container& whose, const Container& container) const {
    const UniqueFd map(::open(fmt::format("/proc/{}/ns/user", whose.pid()).c_str(), O_RDONLY | O_CLOEXEC));
    const UniqueFd mounts(
        ::open(fmt::format("/proc/{}/ns/mnt", container.pid()).c_str(), O_RDONLY | O_CLOEXEC));
    const ChildProcess engine([&]() -> std::string {
      if (const std::string own = own_mounts(); own != "ready") return own;
      const UniqueFd tree(::open_tree(AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
      mount_attr attributes = {};
      attributes.attr_set = MOUNT_ATTR_IDMAP;
      attributes.userns_fd = static_cast<__u64>(map.get());
      if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0)
        return failed("idmap");
      if (::setns(mounts.get(), CLONE_NEWNS) != 0) return failed("setns");
      const int moved = ::move_mount(tree.get(), "", AT_FDCWD, place.c_str(), MOVE_MOUNT_F_EMPTY_PATH);
      return moved == 0 ? "ready" : failed("move_mount");
    });
    return engine.answer();
  }

  // "VIEW UID:GID": which view was opened, and the owner that files get there; else why none was.
  std::string open(const Container& container, Kernel kernel = Kernel::todays) const {
    const auto process = ContainerProcess::open(container.pid());
    if (!container.ready() || !process) return container.outcome();
    const ChildProcess hook([&] {
      if (kernel == Kernel::without_statmount) forget_statmount();
      return open(*process);
    });
    return hook.answer();
  }
  std::string open(const ContainerProcess& process) const {
    const auto bound = open_bound_directory(process, rootfs, target, source, user);
    if (!bound) return bound.error().message;
    const std::string path = fs::read_symlink(fmt::format("/proc/self/fd/{}", bound->directory.get()));
    return fmt::format("{} {}:{}", path == source ? "host's" : "container's", bound->owner.uid,
                       bound->owner.gid);
  }
};

}  // namespace

TEST_CASE("a bound directory is opened as the host has it, which is writable") {
  if (::geteuid() != 0) return skip("only root makes mount namespaces");
  const Host host;
  CHECK(host.open(Container([&] { return host.bind(MS_RDONLY); })) == "host's 1000:1001");
}

TEST_CASE("a source that leads elsewhere than to what is bound is not written into") {
  if (::geteuid() != 0) return skip("only root makes mount namespaces");
  const Host host;
  const Container container([&] { return host.bind(); });
  REQUIRE(container.ready());
  fs::rename(host.source, host.source + ".old");
  CHECK(host.open(container) == "container's 1000:1001");
  fs::create_directories(host.source);
  CHECK(host.open(container) == "container's 1000:1001");
}

TEST_CASE("nothing is written beneath a mount that is not there yet, as while a container is restored") {
  if (::geteuid() != 0) return skip("only root makes mount namespaces");
  const Host host;
  const std::string seen = host.open(Container([&] { return host.own_mounts(); }));
  CHECK(seen == std::string(target) +
                    " in the container: the bind mount in config.json is not there yet, so nothing is "
                    "written beneath it");
}

TEST_CASE("a runtime that shows no root file system, as gVisor, is served at the source") {
  if (::geteuid() != 0) return skip("only root makes mount namespaces");
  const Host host;
  const Container sandbox([&]() -> std::string {
    fs::create_directories(host.dir / "empty");
    const bool done = ::unshare(CLONE_NEWNS) == 0 && ::chroot((host.dir / "empty").c_str()) == 0;
    return done ? "ready" : failed("chroot");
  });
  CHECK(host.open(sandbox) == "host's 1000:1001");
}

TEST_CASE("the files' owner is the user as the container's process has it, in a joined user namespace too") {
  if (::geteuid() != 0) return skip("only root maps another's ids");
  const Host host;
  CHECK(host.open(Container(Mapping{"0 100000 65536"}, [&] { return host.bind(); })) ==
        "host's 101000:101001");
}

TEST_CASE("through an idmapped mount the files belong to the user, whoever that is on disk") {
  if (::geteuid() != 0) return skip("only root maps another's ids");
  for (const Kernel kernel : {Kernel::todays, Kernel::without_statmount}) {
    const Host host;
    const Container container(Mapping{"0 100000 65536"}, [] { return "ready"; });
    REQUIRE(container.ready());
    const std::string bound = host.bind_idmapped(container, container);
    if (bound.starts_with("idmap")) return skip("this file system takes no idmapped mounts");
    REQUIRE(bound == "ready");
    CHECK(host.open(container, kernel) == "host's 1000:1001");
  }
}

TEST_CASE(
    "an idmapped mount with its own mapping is supported if the kernel reports it, and otherwise refused") {
  if (::geteuid() != 0) return skip("only root maps another's ids");
  const Host host;
  const Container whose(Mapping{"500 100000 65536"}, [] { return "ready"; });
  const Container container(Mapping{"0 100000 65536"}, [] { return "ready"; });
  const std::string bound = host.bind_idmapped(whose, container);
  if (bound.starts_with("idmap")) return skip("this file system takes no idmapped mounts");
  REQUIRE(bound == "ready");
  const std::string refusal =
      std::string(target) + " in the container: its idmapped mount does not map the container's user";
  const std::string seen = host.open(container);
  CHECK((seen == "host's 1500:1501" || seen == refusal));
  CHECK(host.open(container, Kernel::without_statmount) == refusal);
}

TEST_CASE("an idmapped mount that does not map the container's user is refused") {
  if (::geteuid() != 0) return skip("only root maps another's ids");
  const Host host;
  const Container whose(Mapping{"0 100000 65536"}, [] { return "ready"; });
  const Container container([&] { return host.own_mounts(); });
  const std::string bound = host.bind_idmapped(whose, container);
  if (bound.starts_with("idmap")) return skip("this file system takes no idmapped mounts");
  REQUIRE(bound == "ready");
  CHECK(host.open(container) ==
        std::string(target) + " in the container: its idmapped mount does not map the container's user");
}
