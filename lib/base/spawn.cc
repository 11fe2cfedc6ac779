// SPDX-License-Identifier: Apache-2.0
#include "base/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

namespace oci_oauth {

namespace {

class FileActions {
 public:
  explicit FileActions(const SpawnOptions& options) {
    ::posix_spawn_file_actions_init(&actions_);
    if (options.directory != nullptr) ::posix_spawn_file_actions_addchdir_np(&actions_, options.directory);
    place(options.input, STDIN_FILENO);
    place(options.output, STDOUT_FILENO);
    place(options.errors, STDERR_FILENO);
    for (const int fd : options.kept) ::posix_spawn_file_actions_adddup2(&actions_, fd, fd);
    if (options.kept.empty()) ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
  }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  void place(int fd, int number) {
    if (fd >= 0) {
      ::posix_spawn_file_actions_adddup2(&actions_, fd, number);
    } else {
      ::posix_spawn_file_actions_addopen(&actions_, number, "/dev/null", O_RDWR, 0);
    }
  }
  posix_spawn_file_actions_t actions_;
};

class Attributes {
 public:
  Attributes() {
    sigset_t all, none;
    ::sigfillset(&all);
    ::sigemptyset(&none);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

}  // namespace

Result<Child> spawn(const std::vector<std::string>& command, const SpawnOptions& options) {
  const auto arguments = pointers_to(command);
  const std::vector<std::string> none;
  const auto own = pointers_to(options.environment ? *options.environment : none);
  pid_t pid = -1;
  const int failure = ::posix_spawnp(&pid, arguments[0], FileActions(options).get(), Attributes().get(),
                                     arguments.data(), options.environment ? own.data() : environ);
  if (failure != 0) return Error::from_errno(failure, command.front());
  Child child(pid);
  if (child.fd() < 0) return Error::from_errno(errno, "pidfd_open of " + command.front());
  return child;
}

}  // namespace oci_oauth
