// SPDX-License-Identifier: Apache-2.0
#include "oci/user_namespace.h"

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
#include "support/skip.h"
#include "support/temp_dir.h"

namespace oci_oauth::test {
namespace {

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

}  // namespace oci_oauth::test
