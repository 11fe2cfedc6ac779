// SPDX-License-Identifier: Apache-2.0
#include "oci/mount.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>

#include "oci/container_root.h"
#include "support/catch.h"
#include "support/child_process.h"
#include "support/container.h"
#include "support/counted_calls.h"
#include "support/older_kernel.h"
#include "support/skip.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

// refused: in a user namespace that may have no others within, user_namespaces(7).
void write(const char* path, std::string_view text) {
  std::ofstream(path) << text;
}

enum class Lock { no, yes, refused };

// Mount namespaces of its own stand in for a host, whose share directory is a shared mount as under systemd,
// and for a container. Nothing of this machine's mounts changes.
class SharingHost {
 public:
  using Look = std::function<std::string(const SharingHost& host)>;

  explicit SharingHost(Lock lock = Lock::no, unsigned long propagation = MS_PRIVATE)
      : lock_(lock), propagation_(propagation) {
    std::filesystem::create_directories(dir_ / "share"), std::filesystem::create_directories(rootfs());
  }

  std::string share() const { return dir_ / "share"; }
  std::string rootfs() const { return dir_ / "rootfs"; }
  std::string target() const { return rootfs() + "/run/secrets/claude"; }
  void publish(std::string_view token) const { dir_.write("share/token", token); }
  std::string token() const { return dir_.read("share/token"); }
  std::string token_in_container() const { return dir_.read("rootfs/run/secrets/claude/token"); }

  // Delivers into a container, then lets it look. Result: what the container and then the host saw.
  std::string deliver(const Look& in_container, const Look& on_host) const {
    const ChildProcess host([&] { return run(in_container, on_host); });
    return host.answer();
  }

 private:
  std::string run(const Look& in_container, const Look& on_host) const {
    if (lock_ == Lock::refused) {
      if (::unshare(CLONE_NEWUSER) != 0) return failed("skipped: a user namespace");
      ::prctl(PR_SET_DUMPABLE, 1);  // else the processes that follow may not look at each other
      write("/proc/self/uid_map", "0 0 1"), write("/proc/self/setgroups", "deny");
      write("/proc/self/gid_map", "0 0 1"), write("/proc/sys/user/max_user_namespaces", "0");
    }
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", "", MS_REC | MS_PRIVATE, "") != 0) {
      return failed("skipped: a mount namespace");
    }
    if (::mount("tmpfs", share().c_str(), "tmpfs", 0, "") != 0) return failed("tmpfs");
    if (::mount("", share().c_str(), "", MS_SHARED, "") != 0) return failed("MS_SHARED");
    publish("first");
    const Gate ready, delivered;
    const ChildProcess container([&] {
      if (::unshare(CLONE_NEWNS) != 0) return failed("unshare");
      if (::mount("", "/", "", MS_REC | propagation_, "") != 0) return failed("propagation");
      ready.open();
      return delivered.wait() ? in_container(*this) : "nothing was delivered";
    });
    if (!ready.wait()) return container.answer();
    const ChildProcess hook([&] { return mount_into(container.pid()); });
    if (const std::string outcome = hook.answer(); outcome != "delivered") return outcome;
    publish("second");
    delivered.open();
    const std::string seen = container.answer();
    return seen + "; " + on_host(*this);
  }

  std::string mount_into(pid_t pid) const {
    auto tree = clone_tree_read_only({.path = share()});
    if (tree && lock_ != Lock::no) tree = lock_tree(std::move(*tree), share());
    if (lock_ == Lock::refused) {
      if (tree) return "was locked all the same";
      tree = clone_tree_read_only({.path = share()});
    }
    if (!tree) return tree.error().message;
    const auto process = ContainerProcess::open(pid);
    if (!process) return process.error().message;
    const auto root = ContainerRoot::open(*process, rootfs());
    if (!root) return root.error().message;
    const auto place = root->make_directory("/run/secrets/claude");
    if (!place) return place.error().message;
    if (const auto checked = check_unshared(*process, place->get()); !checked) return checked.error().message;
    const auto mounted = mount_in_container(*process, tree->get(), place->get());
    return mounted ? "delivered" : mounted.error().message;
  }

  TempDir dir_;
  Lock lock_;
  unsigned long propagation_;
};

std::string flags_and_write(const SharingHost& host) {
  struct statvfs status;
  if (::statvfs(host.target().c_str(), &status) != 0) return failed("statvfs");
  constexpr unsigned long wanted = ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC;
  if ((status.f_flag & wanted) != wanted) return "a flag is missing";
  const UniqueFd token(::open((host.target() + "/token").c_str(), O_WRONLY | O_CLOEXEC));
  return token ? "writable" : failed("write");
}

// A container in whose mount namespace `path` is a mount of its own, with `propagation`.
class MountedContainer {
 public:
  explicit MountedContainer(unsigned long propagation = MS_PRIVATE, int others = 0)
      : container_([=, this] { return set_up(propagation, others); }) {}

  std::string outcome() const { return container_.outcome(); }
  bool ready() const { return container_.ready(); }
  Result<ContainerProcess> process() const { return ContainerProcess::open(container_.pid()); }
  UniqueFd place() const {
    const std::string path = fmt::format("/proc/{}/root{}", container_.pid(), directory_.path());
    return UniqueFd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }

 private:
  std::string set_up(unsigned long propagation, int others) const {
    const char* const path = directory_.path().c_str();
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", "", MS_REC | MS_PRIVATE, "") != 0)
      return "no namespace";
    if (::mount("tmpfs", path, "tmpfs", 0, "") != 0) return std::strerror(errno);
    for (int i = 0; i < others; ++i) {
      const std::string other = fmt::format("{}/{}", path, i);
      if (::mkdir(other.c_str(), 0755) != 0 || ::mount(path, other.c_str(), "", MS_BIND, "") != 0)
        return std::strerror(errno);
    }
    return ::mount("", path, "", propagation, "") == 0 ? "ready" : std::strerror(errno);
  }

  TempDir directory_;
  Container container_;
};

// One word for each thing that is so.
std::string look(const MountedContainer& container, Kernel kernel) {
  const auto process = container.process();
  if (!process) return process.error().message;
  const UniqueFd place = container.place();
  const ChildProcess child([&] {
    if (kernel == Kernel::without_statmount) forget_statmount();
    const auto info = mount_info(*process, place.get());
    if (!info) return info.error().message;
    return fmt::format("{}{}{}", info->shared ? "shared" : "not shared", info->idmapped ? " idmapped" : "",
                       check_unshared(*process, place.get()) ? "" : ", refused");
  });
  return child.answer();
}

CountedCalls cost(const MountedContainer& container) {
  const auto process = container.process();
  if (!process) return {};
  const UniqueFd place = container.place();
  return count_calls([&] { (void)check_unshared(*process, place.get()); });
}

bool has_statmount() {
  return ::syscall(457, nullptr, nullptr, 0, 0) != 0 && errno != ENOSYS;
}

}  // namespace

TEST_CASE("a container reads at the target what the host publishes later, and nobody else has the mount") {
  const SharingHost host;
  const std::string seen =
      host.deliver([](const SharingHost& h) { return h.token_in_container(); },
                   [](const SharingHost& h) { return "on the host: '" + h.token_in_container() + "'"; });
  if (!skipped(seen)) CHECK(seen == "second; on the host: ''");
}

TEST_CASE("the mount is read-only, nosuid, nodev and noexec, for root in the container too") {
  const SharingHost host;
  const std::string seen = host.deliver(flags_and_write, [](const SharingHost& h) { return h.token(); });
  if (!skipped(seen)) CHECK(seen == "write: Read-only file system; second");
}

TEST_CASE("a mount that the container puts over the target stays in the container") {
  const SharingHost host;
  const auto cover = [](const SharingHost& h) {
    if (::mount("tmpfs", h.target().c_str(), "tmpfs", 0, "") != 0) return failed("cover");
    return "covered: '" + h.token_in_container() + "'";
  };
  const std::string seen = host.deliver(cover, [](const SharingHost& h) { return h.token(); });
  if (!skipped(seen)) CHECK(seen == "covered: ''; second");
}

// What root in the container can try, with every capability.
std::string make_writable(const SharingHost& host) {
  const std::string path = host.target();
  const char* const target = path.c_str();
  if (::mount("", target, "", MS_REMOUNT | MS_BIND, "") == 0) return "remounted";
  mount_attr writable = {};
  writable.attr_clr = MOUNT_ATTR_RDONLY;
  if (::mount_setattr(AT_FDCWD, target, 0, &writable, sizeof writable) == 0) return "changed";
  const UniqueFd copy(::open_tree(AT_FDCWD, target, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (::mount_setattr(copy.get(), "", AT_EMPTY_PATH, &writable, sizeof writable) == 0) return "copied";
  return failed("setattr of a copy");
}

TEST_CASE("a mount whose flags are locked stays read-only, whatever the container may do") {
  const SharingHost host(Lock::yes);
  const std::string seen = host.deliver(make_writable, [](const SharingHost& h) { return h.token(); });
  if (!skipped(seen)) CHECK(seen == "setattr of a copy: Operation not permitted; second");
}

TEST_CASE("a locked mount shows what the host publishes later") {
  const SharingHost host(Lock::yes);
  const auto look = [](const SharingHost& h) { return h.token_in_container(); };
  const std::string seen = host.deliver(look, [](const SharingHost& h) { return h.token(); });
  if (!skipped(seen)) CHECK(seen == "second; second");
}

TEST_CASE("nothing is mounted where the mount would appear outside the container too") {
  const SharingHost host(Lock::no, MS_SHARED);
  const auto look = [](const SharingHost& h) { return h.token_in_container(); };
  const std::string seen = host.deliver(look, look);
  if (!skipped(seen))
    CHECK(seen == "the target is on a shared mount, so a mount there would also appear elsewhere");
}

TEST_CASE("a mount whose flags cannot be locked is delivered all the same") {
  const SharingHost host(Lock::refused);
  const std::string seen = host.deliver(flags_and_write, [](const SharingHost& h) { return h.token(); });
  if (!skipped(seen)) CHECK(seen == "write: Read-only file system; second");
}

TEST_CASE("a mount that shares its events is seen as such, with statmount and without") {
  if (::geteuid() != 0) return skip("only root makes mount namespaces");
  for (const Kernel kernel : {Kernel::todays, Kernel::without_statmount}) {
    CHECK(look(MountedContainer(MS_PRIVATE), kernel) == "not shared");
    CHECK(look(MountedContainer(MS_SHARED), kernel) == "shared, refused");
    CHECK(look(MountedContainer(MS_UNBINDABLE), kernel) == "not shared");
  }
}

TEST_CASE("what a look at a mount costs does not depend on how many mounts there are") {
  if (::geteuid() != 0) return skip("only root makes mount namespaces");
  if (!has_statmount()) return skip("this kernel has no statmount(2)");
  const MountedContainer few, many(MS_PRIVATE, 500);
  REQUIRE(few.ready());
  REQUIRE(many.ready());
  const CountedCalls one = cost(few), other = cost(many);
  CHECK(one.calls > 0);
  CHECK(one == other);
  CHECK(one.bytes_read == 0);
}
