// SPDX-License-Identifier: Apache-2.0
#include "exchange/login_locks.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "base/fingerprint.h"
#include "base/fmt.h"
#include "base/path.h"
#include "base/text.h"

namespace oci_oauth {

using std::chrono::seconds;
using std::chrono::steady_clock;

namespace {

constexpr auto wait_for_holder = seconds(20);

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
  const auto since_epoch = std::chrono::floor<seconds>(now).time_since_epoch().count();
  const std::string text = fmt::format("{}:{}", ::getpid(), since_epoch);
  if (::ftruncate(fd, 0) != 0 || ::lseek(fd, 0, SEEK_SET) != 0) return Error::from_errno(errno, path);
  return write_all(fd, text, path);
}

}  // namespace

Result<LockFiles> LockFiles::acquire(const std::vector<ProviderLock>& locks, SteadyTime deadline, Time now) {
  LockFiles files;
  for (const ProviderLock& lock : locks) {
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
  for (const auto& [lock, file] : held_) {
    if (!is_at_its_path(file.fd(), lock.path))
      return Error{ErrorKind::temporary, fmt::format("{}: another program took over this lock", lock.path)};
    if (lock.content == LockContent::holder) TRY(write_holder(file.fd(), lock.path, now));
  }
  return {};
}

Result<LoginLocks::Held> LoginLocks::acquire(Use use, SteadyTime deadline,
                                             const std::function<bool()>& stop) {
  std::vector<ProviderLock> directories, files;
  for (ProviderLock lock : use == Use::saving ? provider_.save_locks : provider_.locks) {
    lock.path = expanded(lock.path);
    (lock.kind == LockKind::file ? files : directories).push_back(std::move(lock));
  }
  const auto note = [this](const DirectoryIdentity& lock) { return store_.journal().note_lock(lock); };
  auto made = TRY(DirectoryLocks::acquire(directories, deadline, stop, note, manner(use)));
  auto locked = TRY(LockFiles::acquire(files, deadline, now()));
  return Held{std::move(made), std::move(locked)};
}

Result<void> LoginLocks::take() {
  auto locks = TRY(acquire(Use::refresh, steady_clock::now() + wait_for_holder, stop_));
  for (const std::string& told : locks.directories.passed_over()) notices_.push_back(told);
  held_.emplace(std::move(locks));
  touched_ = steady_clock::now();
  return {};
}

Result<void> LoginLocks::touch() {
  touched_ = steady_clock::now();
  TRY(held_->directories.touch());
  return held_->files.touch(now());
}

Result<void> LoginLocks::keep_alive() {
  const auto age = steady_clock::now() - touched_;
  const auto is_over = [&](const ProviderLock& lock) { return age >= lock.touch_every; };
  return std::ranges::any_of(provider_.locks, is_over) ? touch() : Result<void>();
}

// A program that read the document before our rename and writes its own change afterwards would restore the
// spent refresh token; these locks prevent that.
std::optional<LoginLocks::Held> LoginLocks::take_for_saving() {
  Milliseconds longest(0);
  for (const ProviderLock& lock : provider_.save_locks) longest = std::max(longest, lock.stale_after);
  const auto keep_waiting = [this] {
    if (held_) (void)keep_alive();
    return false;
  };
  auto locks = acquire(Use::saving, steady_clock::now() + longest + seconds(1), keep_waiting);
  if (locks) return std::optional(std::move(*locks));
  notices_.push_back(locks.error().message + "; saving the login without it");
  return std::nullopt;
}

void LoginLocks::tidy_up(const std::vector<DirectoryIdentity>& locks, Use use) const {
  for (const DirectoryIdentity& lock : locks) {
    const bool is_for_saving = std::ranges::any_of(
        provider_.save_locks, [&](const ProviderLock& one) { return expanded(one.path) == lock.path; });
    if (is_for_saving == (use == Use::saving)) remove_left_behind(lock, manner(use));
  }
}

// Two logins in one directory share its locks, and each may leave something beside them.
LockManner LoginLocks::manner(Use use) const {
  return {fingerprint(store_.shown()).substr(0, 8),
          use == Use::refresh ? expanded(provider_.lock_owner) : ""};
}

std::string LoginLocks::expanded(const std::string& path) const {
  return with_value(path, "{directory}", store_.directory());
}

}  // namespace oci_oauth
