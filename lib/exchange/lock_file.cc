// SPDX-License-Identifier: Apache-2.0
#include "exchange/lock_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/fmt.h"
#include "base/path.h"

namespace oci_oauth {

namespace {

// A program that takes a lock for abandoned removes its file and makes another.
bool is_at_its_path(int fd, const std::string& path) {
  return is_same_file(file_id(fd), file_id({.path = path}, Links::refused));
}

Result<FileLock> lock_file(const std::string& path, SteadyTime deadline) {
  while (true) {
    auto lock = TRY(FileLock::acquire({.path = path}, LockMode::exclusive, deadline));
    if (is_at_its_path(lock.fd(), path)) return lock;
  }
}

// In place, so that it is the locked file that says it. Text of a holder that is gone would get the lock
// broken.
Result<void> write_holder(int fd, const std::string& path, Time now) {
  const auto since_epoch = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  const std::string text = fmt::format("{}:{}", ::getpid(), since_epoch);
  if (::ftruncate(fd, 0) != 0 || ::lseek(fd, 0, SEEK_SET) != 0) return Error::from_errno(errno, path);
  return write_all(fd, text, path);
}

}  // namespace

Result<LockFiles> LockFiles::acquire(const std::vector<ProviderLock>& locks, SteadyTime deadline, Time now) {
  LockFiles files;
  for (const ProviderLock& lock : locks) {
    if (lock.kind != LockKind::file) continue;
    ::mkdir(parent_directory(lock.path).c_str(), 0700);
    auto file = lock_file(lock.path, deadline);
    if (!file && file.error().kind == ErrorKind::temporary)
      return Error{ErrorKind::temporary, fmt::format("{}: another program holds this lock", lock.path)};
    if (!file) return std::move(file).error();
    files.held_.push_back({lock, std::move(*file)});
  }
  TRY(files.touch(now));
  return files;
}

Result<void> LockFiles::touch(Time now) {
  for (const Held& held : held_) {
    if (!is_at_its_path(held.file.fd(), held.lock.path))
      return Error{ErrorKind::temporary,
                   fmt::format("{}: another program took over this lock", held.lock.path)};
    if (held.lock.content == LockContent::holder) {
      TRY(write_holder(held.file.fd(), held.lock.path, now));
    }
  }
  return {};
}

}  // namespace oci_oauth
