// SPDX-License-Identifier: Apache-2.0
// oci-oauth demo: runs the demonstration (oci-oauth-demo) as root of namespaces of its own, which has no
// rights on the host, and with which everything ends that was started or written there.
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "base/child.h"
#include "base/file.h"
#include "base/fmt.h"
#include "base/process.h"
#include "base/spawn.h"
#include "cli/engine_name.h"
#include "command.h"
#include "program/hint.h"
#include "setup/host.h"

namespace oci_oauth {

namespace {

// What each needs. Podman starts containers without a cgroup only through crun.
std::vector<std::string_view> programs_of(std::string_view engine) {
  if (engine == engine_name::podman) return {"podman", "crun"};
  if (engine == engine_name::docker) return {"dockerd", "docker", "runc"};
  return {engine};
}

// Empty if there is everything.
std::string_view missing_program(const Tree& tree, std::string_view engine) {
  for (const std::string_view program : programs_of(engine)) {
    if (tree.find_program(program).empty()) return program;
  }
  return {};
}

// A daemon needs more than one uid, which a user does not have.
bool may_run(std::string_view engine) {
  return engine != engine_name::docker || ::geteuid() == 0;
}

// The engine that the command line names, or else the first that is installed.
Result<std::string> choose_engine(const std::vector<std::string>& operands) {
  const auto& known = engine_name::shown_by_demo;
  const auto tree = TRY(Tree::open("/"));
  if (operands.empty()) {
    const auto* const engine = std::ranges::find_if(
        known, [&](std::string_view any) { return may_run(any) && missing_program(tree, any).empty(); });
    if (engine != std::end(known)) return std::string(*engine);
    return Error{ErrorKind::failed, "demo: no container engine is installed (podman, docker, crun or runc)",
                 "apt-get install podman"};
  }
  const std::string& engine = operands.front();
  if (operands.size() != 1 || std::ranges::find(known, engine) == std::end(known))
    return usage_error(
        "demo", fmt::format("'{}' is not one of {}", fmt::join(operands, " "), fmt::join(known, ", ")));
  if (!may_run(engine)) return Error{ErrorKind::failed, "demo: docker: its daemon needs root", "sudo $0"};
  const std::string_view missing = missing_program(tree, engine);
  if (missing.empty()) return engine;
  return Error{ErrorKind::failed, fmt::format("demo: {}: {} is not installed", engine, missing),
               fmt::format("apt-get install {}", engine == engine_name::docker ? "docker.io" : missing)};
}

Error no_namespaces(std::string_view call) {
  const Error error = Error::from_errno(errno, call);
  return {ErrorKind::failed, fmt::format("demo: namespaces cannot be made here: {}", error.message),
          ::geteuid() == 0
              ? "run it on a host, or in a container with all privileges: podman run --privileged"
              : "sudo $0"};
}

Result<void> write_to_process(pid_t pid, std::string_view file, std::string_view text) {
  const std::string path = fmt::format("/proc/{}/{}", pid, file);
  const auto opened = TRY(open_file({.path = path}, O_WRONLY));
  return write_all(opened.get(), text, path);
}

// user_namespaces(7). Root gets a range of ids that own nothing, so that no file of the host can be changed;
// in a container, which may not have that range, and for a user, their own id.
Result<void> map_ids(pid_t pid) {
  constexpr std::string_view range = "0 2000000000 65536";
  if (::geteuid() == 0 && write_to_process(pid, "uid_map", range))
    return write_to_process(pid, "gid_map", range);
  TRY(write_to_process(pid, "uid_map", fmt::format("0 {} 1", ::geteuid())));
  TRY(write_to_process(pid, "setgroups", "deny"));
  return write_to_process(pid, "gid_map", fmt::format("0 {} 1", ::getegid()));
}

bool raise_loopback() {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = {};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0;
}

// Process 1 of the namespaces, once `mapped` is readable: only returns if something fails.
Error become_demonstration(int mapped, const std::vector<std::string>& command) {
  char answer = 0;
  if (::read(mapped, &answer, 1) != 1) return {ErrorKind::failed, "demo: interrupted"};
  if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) return no_namespaces("setresuid");
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return no_namespaces("mount /");
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
    return no_namespaces("mount /proc");
  if (!raise_loopback()) return no_namespaces("lo");
  ::execv(command.front().c_str(), pointers_to(command).data());
  return Error::from_errno(errno, command.front())
      .in("demo")
      .with_hint(errno == EACCES ? "install oci-oauth-hook where every user can read it" : incomplete_hint);
}

Result<int> run_demonstration(const Log& log, const std::vector<std::string>& command) {
  constexpr int namespaces =
      CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
  auto mapped = TRY(make_pipe());
  ::prctl(PR_SET_DUMPABLE, 1);  // else only root may write the child's maps; there is no secret here
  expect_children();
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone, namespaces | SIGCHLD, 0, 0, 0, 0));
  if (pid < 0) return no_namespaces("clone");
  if (pid == 0) {
    mapped.writing.reset();
    ::_exit(static_cast<int>(report(log, become_demonstration(mapped.reading.get(), command))));
  }
  Child child(pid);
  if (auto done = map_ids(pid); !done) return std::move(done).error().in("demo").with_hint("sudo $0");
  TRY(write_all(mapped.writing.get(), "1", "pipe"));
  return child.wait().code();
}

}  // namespace

Result<ExitCode> demo(const Invocation& invocation) {
  if (!invocation.config.empty())
    return usage_error(invocation.verb, "--config is not supported: it has a configuration of its own");
  const auto engine = TRY(choose_engine(invocation.arguments.operands));
  const auto programs = TRY(InstalledPrograms::find());
  std::vector<std::string> command = {programs.prefix + "/share/oci-oauth/demo/oci-oauth-demo",
                                      programs.prefix, engine};
  if (invocation.arguments.has("--quiet")) command.emplace_back("--quiet");
  return static_cast<ExitCode>(TRY(run_demonstration(invocation.log, command)));
}

}  // namespace oci_oauth
