// SPDX-License-Identifier: Apache-2.0
// A host with a published token, and a container on it as a runtime leaves it at createRuntime: a process in
// mount namespaces of its own, and a bundle. Nothing of this machine's mounts changes.
#pragma once

#include <sys/mount.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "base/fmt.h"
#include "hook/creation.h"
#include "support/catch.h"
#include "support/container.h"
#include "support/skip.h"
#include "support/temp_dir.h"

namespace oci_oauth {

inline constexpr const char* target = "/run/secrets/claude";

struct HookHost {
  TempDir dir;
  Config config;
  Log log = Log::to_syslog("hook_test");

  explicit HookHost(OnFailure on_failure = OnFailure::start) {
    namespace fs = std::filesystem;
    fs::permissions(dir.path(), fs::perms(0755));
    for (const char* name : {"bundle", "login", "run/share/claude", "share/oci-oauth/providers", "written"})
      fs::create_directories(dir / name);
    fs::create_directories(rootfs() + target);
    fs::permissions(dir / "run", fs::perms(0700));
    const std::string provider = dir / "share/oci-oauth/providers/claude.json";
    fs::copy_file(SOURCE_DIR "/oci-config/providers/claude.json", provider);
    fs::permissions(provider, fs::perms(0644));
    Profile profile;
    profile.name = profile.provider = "claude";
    profile.credentials = dir / "login/.credentials.json";
    profile.targets = {target};
    profile.target = target;
    profile.on_failure = on_failure;
    profile.hook_wait = {};
    config.path = dir / "config.json";
    config.runtime_dir = dir / "run";
    config.profiles = {profile};
    publish();
  }

  std::string rootfs() const { return dir / "rootfs"; }
  Profile& profile() { return config.profiles.front(); }

  void publish() const {
    dir.write("login/.credentials.json", "{}");
    struct stat login;
    REQUIRE(::stat((dir / "login/.credentials.json").c_str(), &login) == 0);
    Published published;
    published.login = FileStamp::of(login);
    published.obtained_at = now() - std::chrono::hours(1);
    published.due_at = now() + std::chrono::hours(6);
    published.expires_at = now() + std::chrono::hours(7);
    const auto runtime = RuntimeDir::open(config.runtime_dir);
    REQUIRE(runtime);
    REQUIRE(runtime->publish("claude", {published, {}}));
    dir.write("run/share/claude/token", "token-1");
  }

  // The bundle of a container with these mounts (JSON, of config.json).
  void write_bundle(const std::string& mounts, const std::string& more = "") const {
    dir.write("bundle/config.json",
              fmt::format(R"({{"root": {{"path": "{}"}}, "mounts": [{}]{}}})", rootfs(), mounts, more));
  }
  static std::string tmpfs(const std::string& at = target) {
    return fmt::format(R"({{"destination": "{}", "type": "tmpfs", "source": "tmpfs"}})", at);
  }
  std::string bind() const {
    return fmt::format(R"({{"destination": "{}", "type": "bind", "source": "{}", "options": ["bind"]}})",
                       target, dir / "written");
  }

  HookCall call(const ContainerState& state) const {
    return {config, {}, state, log, ::geteuid() == 0, dir.path()};
  }
  ContainerState state(pid_t pid) const { return {"box", pid, dir / "bundle"}; }

  // createRuntime for the container of process `pid`. Result: "created", or why it must not be created.
  std::string create(pid_t pid) const {
    const ChildProcess hook([&] {
      const ContainerState state = this->state(pid);
      const HookCall call = this->call(state);
      Creation creation(call);
      const auto verdict = create_runtime(creation);
      return verdict ? std::string("created") : verdict.error().message;
    });
    return hook.answer();
  }

  // "delivery, state: reason" of each recorded delivery of the container.
  std::string recorded() const {
    const auto runtime = RuntimeDir::open(config.runtime_dir);
    const auto record = ContainerLedger(runtime->fd()).find("box");
    if (!record) return "no record";
    std::string all;
    for (const DeliveryRecord& one : record->deliveries) {
      all += fmt::format("{}{} {}{}{}", all.empty() ? "" : "; ", word(one.kind), word(one.state),
                         one.reason.empty() ? "" : ": ", one.reason);
    }
    return all;
  }
};

// Its mount namespace has what the bundle says: a tmpfs at the target, or the bound directory.
class HookContainer {
 public:
  enum class Mount { tmpfs, bind, none };
  HookContainer(const HookHost& host, Mount mount)
      : host_(&host), container_([&host, mount] {
          if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", "", MS_REC | MS_PRIVATE, "") != 0)
            return failed("namespace");
          const std::string at = host.rootfs() + target;
          const int done = mount == Mount::tmpfs ? ::mount("tmpfs", at.c_str(), "tmpfs", 0, "")
                           : mount == Mount::bind
                               ? ::mount((host.dir / "written").c_str(), at.c_str(), "", MS_BIND, "")
                               : 0;
          return done == 0 ? std::string("ready") : failed("mount");
        }) {
    REQUIRE(container_.ready());
  }
  pid_t pid() const { return container_.pid(); }
  // Ends, and is not collected yet: as a runtime sees it.
  void end() const {
    REQUIRE(container_.outcome() == "ready");
    siginfo_t ended;
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pid()), &ended, WEXITED | WNOWAIT) == 0);
  }
  std::string token(const std::string& at = target) const {
    return file_content(fmt::format("/proc/{}/root{}{}/token", pid(), host_->rootfs(), at));
  }

 private:
  const HookHost* host_;
  Container container_;
};

}  // namespace oci_oauth
