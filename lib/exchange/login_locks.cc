// SPDX-License-Identifier: Apache-2.0
#include "exchange/login_locks.h"

#include <algorithm>

#include "base/fingerprint.h"
#include "base/text.h"

namespace oci_oauth {

using std::chrono::seconds;
using std::chrono::steady_clock;

std::vector<ProviderLock> LoginLocks::expanded(const std::vector<ProviderLock>& locks) const {
  std::vector<ProviderLock> result = locks;
  for (ProviderLock& lock : result) lock.path = expanded(lock.path);
  return result;
}

Result<LoginLocks::Held> LoginLocks::acquire(const std::vector<ProviderLock>& locks, SteadyTime deadline,
                                             const std::function<bool()>& stop,
                                             const std::string& owner_record) {
  std::vector<ProviderLock> directories, files;
  for (const ProviderLock& lock : expanded(locks))
    (lock.kind == LockKind::file ? files : directories).push_back(lock);
  auto made = TRY(DirectoryLocks::acquire(directories, deadline, stop, notice(), manner(owner_record)));
  auto locked = TRY(LockFiles::acquire(files, deadline, now()));
  return Held{std::move(made), std::move(locked)};
}

Result<void> LoginLocks::take(SteadyTime deadline) {
  auto locks = TRY(acquire(provider_.locks, deadline, stop_, provider_.lock_owner));
  for (const std::string& told : locks.directories.passed_over()) notices_.push_back(told);
  held_.emplace(std::move(locks));
  touched_ = steady_clock::now();
  return {};
}

Result<void> LoginLocks::touch(SteadyTime time) {
  touched_ = time;
  TRY(held_->directories.touch());
  return held_->files.touch(now());
}

Result<void> LoginLocks::keep_alive(SteadyTime time) {
  const auto is_over = [&](const ProviderLock& lock) { return time - touched_ >= lock.touch_every; };
  return std::ranges::any_of(provider_.locks, is_over) ? touch(time) : Result<void>();
}

// A program that read the document before our rename and writes its own change afterwards would restore the
// spent refresh token; these locks prevent that.
std::optional<LoginLocks::Held> LoginLocks::take_for_saving() {
  Milliseconds longest(0);
  for (const ProviderLock& lock : provider_.save_locks) longest = std::max(longest, lock.stale_after);
  const auto keep_waiting = [this] {
    if (held_) (void)keep_alive(steady_clock::now());
    return false;
  };
  auto locks = acquire(provider_.save_locks, steady_clock::now() + longest + seconds(1), keep_waiting, "");
  if (locks) return std::optional(std::move(*locks));
  notices_.push_back(locks.error().message + "; saving the login without it");
  return std::nullopt;
}

void LoginLocks::tidy_up_saving(const std::vector<DirectoryIdentity>& locks) const {
  for (const DirectoryIdentity& lock : locks) {
    if (is_for_saving(lock)) remove_left_behind(lock, manner(""));
  }
}

void LoginLocks::tidy_up_rest(const std::vector<DirectoryIdentity>& locks) const {
  for (const DirectoryIdentity& lock : locks) {
    if (!is_for_saving(lock)) remove_left_behind(lock, manner(provider_.lock_owner));
  }
}

// Two logins in one directory share its locks, and each may leave something beside them.
LockManner LoginLocks::manner(const std::string& owner_record) const {
  return {fingerprint(Secret(std::string_view(store_.shown()))).substr(0, 8), expanded(owner_record)};
}

std::string LoginLocks::expanded(const std::string& path) const {
  return with_value(path, "{directory}", store_.directory());
}

bool LoginLocks::is_for_saving(const DirectoryIdentity& lock) const {
  return std::ranges::any_of(provider_.save_locks,
                             [&](const ProviderLock& wanted) { return expanded(wanted.path) == lock.path; });
}

LockNotice LoginLocks::notice() const {
  return [this](const DirectoryIdentity& lock) { return store_.journal().note_lock(lock); };
}

}  // namespace oci_oauth
