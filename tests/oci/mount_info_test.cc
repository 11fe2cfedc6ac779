// SPDX-License-Identifier: Apache-2.0
#include "oci/mount_info.h"

#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>

#include "support/catch.h"
#include "support/container.h"
#include "support/counted_calls.h"
#include "support/older_kernel.h"
#include "support/skip.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

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
