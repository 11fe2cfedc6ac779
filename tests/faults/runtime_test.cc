// SPDX-License-Identifier: Apache-2.0
// What a hook that starts a refresher leaves to the runtime that called it: nothing that ends while the
// runtime could mistake that for the end of a hook.
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/child.h"
#include "base/file_lock.h"
#include "faults/bundle.h"
#include "faults/host.h"
#include "support/catch.h"
#include "support/child_process.h"
#include "support/lock_waiter.h"

namespace oci_oauth::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto bound = 20s;

bool eventually(const std::function<bool()>& happens) {
  const auto deadline = steady_clock::now() + bound;
  while (!happens()) {
    if (steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// Empty where the process has ended meanwhile.
std::string line_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string stat = line_of(entry.path() / "stat");
    const size_t end_of_name = stat.rfind(')');
    if (end_of_name == std::string::npos) continue;
    if (std::stoi(stat.substr(end_of_name + 4)) == parent) children.push_back(std::stoi(name));
  }
  return children;
}

// The published token lives, and is due.
bool publish_due(Host& host) {
  host.log_in(1800s);
  return run_program(host.command({"refresh", "--offline"})).status == 0;
}

// Of a login of its own, for every container.
std::string with_second_profile(std::string config) {
  const size_t first = config.find("{\"credentials\"");
  std::string profile = config.substr(first, config.rfind("}}") - first);
  profile.replace(profile.find(".credentials.json"), 17, "other.json");
  config.insert(config.rfind("}}"), R"(, "other": )" + profile.substr(0, profile.rfind('}')) +
                                        R"(, "provider": "claude", "deliver_to": "all"})");
  return config;
}

// proc(5), /proc/PID/syscall.
bool sleeps_in_poll(pid_t process) {
  return line_of("/proc/" + std::to_string(process) + "/syscall").starts_with(std::to_string(SYS_poll) + " ");
}

// The child whose end the kernel has kept for us; 0 where there is none, at once.
pid_t pending_end() {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGCHLD);
  const timespec at_once = {0, 0};
  siginfo_t info = {};
  return ::sigtimedwait(&ends, &info, &at_once) == SIGCHLD ? info.si_pid : 0;
}

// As `crun run` in the foreground: collects orphans, and waits for a hook by the signal of its end.
void behave_as_crun() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &ends, nullptr);
}

// Looks only when the hook and all that it left have had the time to end together.
std::string run_hook(const Bundle& bundle) {
  behave_as_crun();
  const pid_t hook = start_program(bundle.hook(), bundle.state());
  siginfo_t info;
  ::waitid(P_PID, static_cast<id_t>(hook), &info, WEXITED | WNOWAIT);
  const pid_t ended = pending_end();
  const int code = end_of(hook);
  return (ended == hook ? "hook" : "orphan") + std::to_string(code);
}

// A refresher that its hook has left behind ends while the container is still there. Expected: the runtime
// has no signal of it, and whatever was kept alive for that ends with the container: crun waits for it then.
void expect_quiet_end(const Host& host, TokenEndpoint& endpoint) {
  auto container = std::make_unique<ContainerProcess>();
  const Bundle bundle(host, *container, "box");
  Gate answered, looked, refreshed, checked, ended;
  endpoint.script({.meanwhile = [&] { (void)answered.wait(); }});
  const std::string before = host.field("refreshToken");
  ChildProcess runtime([&] {
    const std::string hook = run_hook(bundle);
    looked.open();
    (void)refreshed.wait();
    const pid_t end = pending_end();
    checked.open();
    (void)ended.wait();
    return hook + (end == 0 ? ", quiet" : ", orphan");
  });
  REQUIRE(looked.wait());
  const std::vector<pid_t> left = children_of(runtime.pid());
  REQUIRE(left.size() == 1);
  const UniqueFd attendant = open_process(left[0]);
  REQUIRE(attendant);
  answered.open();
  CHECK(eventually([&] { return children_of(left[0]).empty() && sleeps_in_poll(left[0]); }));
  CHECK(host.field("refreshToken") != before);
  refreshed.open();
  CHECK(checked.wait());
  container.reset();
  pollfd end = {attendant.get(), POLLIN, 0};
  CHECK(::poll(&end, 1, child_bound) == 1);
  ended.open();
  CHECK(runtime.answer() == "hook0, quiet");
}

}  // namespace

TEST_CASE("a refresher that a hook waits for is the hook's own child and is gone with it", "[runtime]") {
  if (!can_make_containers()) return;
  TokenEndpoint endpoint;
  const Host host(endpoint, R"(, "hook_wait": "12s")");
  const ContainerProcess process;
  const Bundle bundle(host, process, "box");
  ChildProcess runtime([&] {
    const std::string hook = run_hook(bundle);
    const bool alone = ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD;
    return hook + (alone ? ", alone" : ", an orphan");
  });
  CHECK(runtime.answer() == "hook0, alone");
  CHECK(endpoint.counters().posts == 1);
  CHECK(bundle.token() == host.field("accessToken"));
}

TEST_CASE("a refresher that is slower than hook_wait does not end under the runtime", "[runtime]") {
  if (!can_make_containers()) return;
  TokenEndpoint endpoint;
  const Host host(endpoint, R"(, "hook_wait": "1s")");
  expect_quiet_end(host, endpoint);
}

TEST_CASE("a refresher that is started for a token that is due does not end under the runtime", "[runtime]") {
  if (!can_make_containers()) return;
  TokenEndpoint endpoint;
  Host host(endpoint);
  REQUIRE(publish_due(host));
  expect_quiet_end(host, endpoint);
}

TEST_CASE("a refresher that ends while its hook waits for something else does not end beside the hook",
          "[runtime]") {
  if (!can_make_containers()) return;
  const ContainerProcess process;
  TokenEndpoint endpoint;
  Host host(endpoint);
  REQUIRE(publish_due(host));
  const std::string before = host.field("refreshToken");
  // A second profile, which was never refreshed and whose lock somebody has: the hook waits for it.
  host.directory.write("config.json", with_second_profile(file_content(host.config)));
  auto held = FileLock::acquire({.path = host.runtime + "/locks/other"}, LockMode::exclusive, SteadyTime{});
  REQUIRE(held);
  const Bundle bundle(host, process, "box");
  ChildProcess runtime([&] {
    held = Error{ErrorKind::failed, ""};
    const std::string hook = run_hook(bundle);
    return hook + (pending_end() == 0 ? ", quiet" : ", orphan");
  });
  // The hook, and the attendant of the first profile's refresher.
  std::vector<pid_t> hook, attendant;
  CHECK(eventually([&] {
    hook = children_of(runtime.pid());
    attendant = hook.empty() ? hook : children_of(hook[0]);
    return attendant.size() == 1 && children_of(attendant[0]).empty() && sleeps_in_poll(attendant[0]) &&
           comes_to_wait(hook[0]);
  }));
  CHECK(host.field("refreshToken") != before);
  held = Error{ErrorKind::failed, ""};
  CHECK(runtime.answer() == "hook0, quiet");
}

}  // namespace oci_oauth::test
