// SPDX-License-Identifier: Apache-2.0
// A container that a hook is called for: a process in a mount namespace of its own, and a bundle.
#pragma once

#include <sched.h>
#include <sys/types.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "faults/host.h"
#include "support/child_process.h"
#include "support/skip.h"
#include "support/temp_dir.h"

namespace oci_oauth::test {

// The first process of a container, in a mount namespace of its own. One is enough for many bundles.
class ContainerProcess {
 public:
  ContainerProcess()
      : child_([this] {
          const bool alone = ::unshare(CLONE_NEWNS) == 0;
          if (alone) ready_.open();
          ::pause();
          return std::string();
        }) {
    ready_.wait();
  }
  pid_t pid() const { return child_.pid(); }

 private:
  Gate ready_;
  ChildProcess child_;
};

// A container that a person gave a directory for its token: the hook writes the token there.
class Bundle {
 public:
  Bundle(const Host& host, const ContainerProcess& process, const std::string& id)
      : Bundle(host, process, id, host.directory / id + "/rootfs") {}
  // It has the directory of another container.
  Bundle(const Host& host, const ContainerProcess& process, const std::string& id, const Bundle& other)
      : Bundle(host, process, id, other.rootfs_) {}

  std::vector<std::string> hook(const std::string& step = "createRuntime") const {
    return {installed("libexec/oci/hooks.d/oci-oauth-hook"), "--config", config_, step};
  }
  std::string state() const { return path_ + "/state.json"; }
  std::string target() const { return target_; }
  std::string token() const { return file_content(target_ + "/token"); }

 private:
  Bundle(const Host& host, const ContainerProcess& process, const std::string& id, const std::string& rootfs)
      : config_(host.config),
        path_(host.directory / id),
        rootfs_(rootfs),
        target_(rootfs_ + "/run/secrets/claude") {
    std::filesystem::create_directories(path_);
    std::filesystem::create_directories(target_);
    std::ofstream(path_ + "/config.json")
        << R"({"ociVersion":"1.0.2","process":{"user":{"uid":0,"gid":0}},"root":{"path":")" << rootfs_
        << R"("},"mounts":[{"destination":"/run/secrets/claude","type":"bind","source":")" << target_
        << R"(","options":["rbind","rw"]}]})";
    std::ofstream(state()) << R"({"ociVersion":"1.0.2","id":")" << id << R"(","status":"creating","pid":)"
                           << process.pid() << R"(,"bundle":")" << path_ << "\"}";
  }

  std::string config_, path_, rootfs_, target_;
};

inline bool can_make_containers() {
  if (::geteuid() == 0) return true;
  skip("a container's process needs root");
  return false;
}

}  // namespace oci_oauth::test
