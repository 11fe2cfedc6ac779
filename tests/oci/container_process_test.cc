// SPDX-License-Identifier: Apache-2.0
#include "oci/container_process.h"

#include "support/catch.h"
#include "support/container.h"
#include "support/skip.h"

using namespace oci_oauth;

namespace {

std::string ready() {
  return "ready";
}

std::string in_own_mounts() {
  return ::unshare(CLONE_NEWNS) == 0 ? "ready" : "no mount namespace";
}

// The ids on the host of `inside` in a container with `mapping`, or why there are none.
std::string outside(const Mapping& mapping, Owner inside) {
  const Container container(mapping, ready);
  const auto process = ContainerProcess::open(container.pid());
  if (!process) return process.error().message;
  const auto owner = process->owner_outside(inside);
  return owner ? std::to_string(owner->uid) + ":" + std::to_string(owner->gid) : owner.error().message;
}

}  // namespace

TEST_CASE("a process in our own mount namespace is not a container") {
  const auto process = ContainerProcess::open(::getpid());
  REQUIRE_FALSE(process);
  CHECK(process.error().message.find("is in the host's mount namespace") != std::string::npos);
}

TEST_CASE("a process that is gone is not a container") {
  pid_t pid = 0;
  {
    const ChildProcess child([] { return "done"; });
    pid = child.pid();
  }
  const auto process = ContainerProcess::open(pid);
  REQUIRE_FALSE(process);
  CHECK(process.error().message == "pidfd_open of process " + std::to_string(pid) + ": No such process");
}

TEST_CASE("a state that names no process has no container to enter") {
  const auto process = ContainerProcess::open(0);
  REQUIRE_FALSE(process);
  CHECK(process.error().message == "the state does not name a process of the container");
}

TEST_CASE("a process is seen to end") {
  if (::geteuid() != 0) return skip("only root makes mount namespaces");
  const Container container(in_own_mounts);
  const auto process = ContainerProcess::open(container.pid());
  REQUIRE(process);
  CHECK(process->is_running());
  CHECK(container.outcome() == "ready");
  siginfo_t ended;
  REQUIRE(::waitid(P_PIDFD, static_cast<id_t>(process->fd()), &ended, WEXITED | WNOWAIT) == 0);
  CHECK_FALSE(process->is_running());
}

TEST_CASE("its mounts can be entered and left, and its root is its own") {
  if (::geteuid() != 0) return skip("only root makes mount namespaces");
  const Container container(in_own_mounts);
  const auto process = ContainerProcess::open(container.pid());
  REQUIRE(process);
  CHECK(process->root());
  const ChildProcess visitor([&]() -> std::string {
    const auto mounts = [] { return file_id({.path = "/proc/self/ns/mnt"}); };
    const auto ours = mounts();
    if (!process->enter_mounts() || mounts() != file_id(process->mount_namespace())) return "not entered";
    process->leave_mounts();
    return mounts() == ours ? "left" : "not left";
  });
  CHECK(visitor.answer() == "left");
}

TEST_CASE("ids in our own user namespace are the same outside") {
  if (::geteuid() != 0) return skip("only root makes mount namespaces");
  const Container container(in_own_mounts);
  const auto process = ContainerProcess::open(container.pid());
  REQUIRE(process);
  const auto owner = process->owner_outside({1000, 1001});
  REQUIRE(owner);
  CHECK(owner->uid == 1000);
  CHECK(owner->gid == 1001);
}

TEST_CASE("ids are mapped as the kernel does it, whatever config.json says") {
  if (::geteuid() != 0) return skip("only root maps another's ids");
  CHECK(outside({"0 100000 65536"}, {1000, 1001}) == "101000:101001");
  CHECK(outside({"0 1000 1\n1 100000 65536"}, {0, 7}) == "1000:100006");
}

TEST_CASE("an unmapped id is reported as such") {
  if (::geteuid() != 0) return skip("only root maps another's ids");
  CHECK(outside({"0 100000 10"}, {10, 0}) == "uid 10 of the container is not mapped to the host");
  CHECK(outside({"0 100000 10"}, {0, 11}) == "gid 11 of the container is not mapped to the host");
}
