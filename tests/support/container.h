// SPDX-License-Identifier: Apache-2.0
// A process with namespaces of its own that stands in for a container.
#pragma once

#include <sched.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <string>

#include "support/child_process.h"

namespace oci_oauth {

// Of uid_map and gid_map, user_namespaces(7).
struct Mapping {
  std::string text;
};

// A process with namespaces of its own, as a runtime leaves it at createRuntime; it lives as long as the
// object.
class Container {
 public:
  // `meanwhile` runs in the test while the container sets itself up.
  explicit Container(
      const std::function<std::string()>& set_up, const std::function<void(pid_t)>& meanwhile = [](pid_t) {})
      : process_([&] {
          const std::string outcome = set_up();
          outcome_.open();
          over_.wait();
          return outcome;
        }) {
    meanwhile(process_.pid());
    ready_ = outcome_.wait();
  }
  // In a user namespace of its own, whose uid_map and gid_map hold `mapping`; what it sets up it does as root
  // there.
  Container(const Mapping& mapping, const std::function<std::string()>& set_up)
      : Container(
            [&] {
              if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return std::string("no user namespace");
              unshared_.open();
              if (!mapped_.wait()) return std::string("never mapped");
              if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) return std::string("no root there");
              return set_up();
            },
            [&](pid_t pid) {
              if (!unshared_.wait()) return;
              const std::string process = "/proc/" + std::to_string(pid);
              std::ofstream(process + "/gid_map") << mapping.text;
              std::ofstream(process + "/uid_map") << mapping.text;
              mapped_.open();
            }) {}
  bool ready() const { return ready_; }
  pid_t pid() const { return process_.pid(); }
  std::string outcome() const {
    over_.open();
    return process_.answer();
  }

 private:
  Gate unshared_, mapped_, outcome_, over_;
  ChildProcess process_;
  bool ready_ = false;
};

}  // namespace oci_oauth
