// SPDX-License-Identifier: Apache-2.0
#include "oci/container_process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

#include "base/file.h"
#include "base/unique_fd.h"
#include "support/catch.h"
#include "support/container.h"
#include "support/skip.h"
#include "support/temp_dir.h"

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

IdMap map(std::string_view text) {
  auto parsed = IdMap::parse(text, "map");
  REQUIRE(parsed);
  return std::move(*parsed);
}

// A process two user namespaces below ours, of which the outer one is the rootless engine's: its root is our
// user.
class Nested {
 public:
  Nested() {
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    const UniqueFd reading(ready[0]);
    UniqueFd writing(ready[1]);
    const std::string map = "0 " + std::to_string(::geteuid()) + " 1";
    pid_ = ::fork();
    if (pid_ == 0) {
      std::uint64_t names[2] = {0, 0};
      enter(map);
      names[0] = own_user_namespace();
      enter("0 0 1");
      names[1] = own_user_namespace();
      (void)!::write(writing.get(), names, sizeof names);
      ::pause();
      ::_exit(0);
    }
    writing.reset();
    std::uint64_t names[2];
    is_there = ::read(reading.get(), names, sizeof names) == sizeof names && names[0] != names[1];
    outer = names[0];
  }
  ~Nested() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;
  pid_t pid() const { return pid_; }

  bool is_there = false;
  std::uint64_t outer = 0;

 private:
  static void enter(const std::string& map) {
    if (::unshare(CLONE_NEWUSER) != 0) ::_exit(1);
    write("/proc/self/setgroups", "deny");
    write("/proc/self/uid_map", map);
    write("/proc/self/gid_map", map);
  }
  static void write(const char* path, const std::string& text) {
    const UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
    if (::write(file.get(), text.data(), text.size()) < 0) ::_exit(1);
  }

  pid_t pid_ = -1;
};

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

TEST_CASE("an id is found in each range, in both directions") {
  const IdMap rootless = map("         0       1000          1\n         1     100000      65536\n");
  CHECK(rootless.outside(0) == 1000);
  CHECK(rootless.outside(1) == 100000);
  CHECK(rootless.outside(65536) == 165535);
  CHECK(rootless.inside(1000) == 0);
  CHECK(rootless.inside(100999) == 1000);
}

TEST_CASE("an id outside of all ranges is not mapped") {
  const IdMap one = map("0 100000 10");
  CHECK_FALSE(one.outside(10));
  CHECK_FALSE(one.inside(99999));
  CHECK_FALSE(one.inside(100010));
  CHECK_FALSE(map("").outside(0));
}

TEST_CASE("the host's own map is the identity") {
  CHECK(map("         0          0 4294967295\n").outside(4294967294) == 4294967294);
}

TEST_CASE("an id that would wrap around to another, or to no id, is not mapped") {
  CHECK_FALSE(map("0 4294967000 65536").outside(296));
  CHECK_FALSE(map("0 4294967000 65536").outside(295));
  CHECK(map("0 4294967000 65536").outside(294) == 4294967294);
}

TEST_CASE("the strings of statmount are a map too") {
  CHECK(map(std::string_view("0 100000 10\0"
                             "10 7 1\0",
                             19))
            .outside(10) == 7);
}

TEST_CASE("a text in another format is refused with its source") {
  for (const char* text : {"0", "0 1", "a b c", "0 1 2x", "-1 0 1", "0 0 4294967296", "0,0,1"}) {
    const auto parsed = IdMap::parse(text, "map");
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().message == "map: is not an id mapping");
  }
}

TEST_CASE("an action runs in the engine's namespace, and its result is reported") {
  const Nested container;
  if (!container.is_there) return skip("no user namespaces here");
  const TempDir directory;
  const UniqueFd open(::open(directory.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::uint64_t ours = own_user_namespace();
  const auto done = in_user_namespace(container.pid(), container.outer, [&]() -> Result<void> {
    return replace_file(open.get(), "name", directory.path(), std::to_string(own_user_namespace()));
  });
  REQUIRE(done);
  CHECK(directory.read("name") == std::to_string(container.outer));
  CHECK(own_user_namespace() == ours);

  const auto failed = in_user_namespace(container.pid(), container.outer, []() -> Result<void> {
    return Error{ErrorKind::temporary, "no room", "make some"};
  });
  REQUIRE_FALSE(failed);
  CHECK(failed.error().kind == ErrorKind::temporary);
  CHECK(failed.error().message == "no room");
  CHECK(failed.error().hint == "make some");
}

TEST_CASE("an action for our own namespace, or for none, runs in this process") {
  for (const std::uint64_t name : {own_user_namespace(), std::uint64_t{0}}) {
    bool here = false;
    CHECK(in_user_namespace(::getpid(), name, [&]() -> Result<void> {
      here = true;
      return {};
    }));
    CHECK(here);
  }
}

TEST_CASE("a namespace that is not a parent of the process's is not joined") {
  const auto done = in_user_namespace(::getpid(), 1, []() -> Result<void> { return {}; });
  REQUIRE_FALSE(done);
  CHECK_THAT(done.error().message, Catch::Contains("cannot find its engine's user namespace"));
}
