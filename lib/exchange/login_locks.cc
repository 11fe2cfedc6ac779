// SPDX-License-Identifier: Apache-2.0
#include "exchange/login_locks.h"

#include <algorithm>

#include "base/fingerprint.h"

namespace oci_oauth {

using std::chrono::seconds;
using std::chrono::steady_clock;

Result<void> LoginLocks::take(SteadyTime deadline) {
  std::vector<ProviderLock> wanted;
  for (const std::string& lock : provider_.locks) wanted.push_back({expanded(lock)});
  auto locks = TRY(DirectoryLocks::acquire(wanted, deadline, stop_, notice(), manner(provider_.lock_owner)));
  for (const std::string& told : locks.passed_over()) notices_.push_back(told);
  held_.emplace(std::move(locks));
  return {};
}

// A program that read the document before our rename and writes its own change afterwards would restore the
// spent refresh token; these locks prevent that.
std::optional<DirectoryLocks> LoginLocks::take_for_saving() {
  std::vector<ProviderLock> wanted = provider_.save_locks;
  Milliseconds longest(0);
  for (ProviderLock& lock : wanted) {
    lock.path = expanded(lock.path);
    longest = std::max(longest, lock.stale_after);
  }
  const auto keep_waiting = [this] {
    if (held_) (void)held_->keep_alive(steady_clock::now());
    return false;
  };
  auto locks = DirectoryLocks::acquire(wanted, steady_clock::now() + longest + seconds(1), keep_waiting,
                                       notice(), manner(""));
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
  constexpr std::string_view placeholder = "{directory}";
  std::string text = path;
  const size_t at = text.find(placeholder);
  return at == std::string::npos ? text : text.replace(at, placeholder.size(), store_.directory());
}

bool LoginLocks::is_for_saving(const DirectoryIdentity& lock) const {
  return std::ranges::any_of(provider_.save_locks,
                             [&](const ProviderLock& wanted) { return expanded(wanted.path) == lock.path; });
}

LockNotice LoginLocks::notice() const {
  return [this](const DirectoryIdentity& lock) { return store_.journal().note_lock(lock); };
}

}  // namespace oci_oauth
