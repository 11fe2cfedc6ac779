// SPDX-License-Identifier: Apache-2.0
#include "hook/attendant.h"

#include <signal.h>

#include "base/file_lock.h"
#include "support/catch.h"
#include "support/child_process.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

struct Attended {
  TempDir dir;
  FileLock lock = take();

  FileLock take() const {
    auto taken = FileLock::acquire({.path = dir / "lock"}, LockMode::exclusive, SteadyTime{});
    REQUIRE(taken);
    return std::move(*taken);
  }
  // What `script` has written into "out" once it has ended.
  std::string run(const std::string& script) const {
    auto attendant = Attendant::start({"/bin/sh", "-c", script, dir / "out"}, lock.fd(), -1);
    REQUIRE(attendant);
    std::move(*attendant).wait(std::chrono::steady_clock::now() + std::chrono::milliseconds(child_bound));
    return dir.read("out");
  }
};

}  // namespace

TEST_CASE(
    "an attended command has the lock as descriptor 3, and neither stdio nor environment of the caller") {
  const Attended attended;
  CHECK(attended.run("{ readlink /proc/self/fd/3; readlink /proc/self/fd/1 >&2; env; } 2>&1 >\"$0\"")
            .find("/lock") != std::string::npos);
  CHECK(attended.run("env | grep -v -e ^PATH= -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= >\"$0\"").empty());
  CHECK(attended.run("pwd >\"$0\"") == "/\n");
}

TEST_CASE("signals that the caller ignores or blocks work in an attended command") {
  const Attended attended;
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &blocked, &before);
  const auto handler = ::signal(SIGPIPE, SIG_IGN);
  const std::string status = attended.run("grep -E '^Sig(Blk|Ign)' /proc/self/status >\"$0\"");
  ::signal(SIGPIPE, handler);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  CHECK(status == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE("no child is left where the command has ended in time") {
  const Attended attended;
  attended.run("exit 0");
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}
