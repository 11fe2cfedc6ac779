// SPDX-License-Identifier: Apache-2.0
#include "exchange/directory_lock.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "base/file.h"
#include "base/fmt.h"
#include "base/path.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

// proper-lockfile rounds an mtime up to the next second and a little more, so its live locks may be in the
// future.
constexpr Milliseconds rounding = seconds(5);

constexpr size_t record_limit = 4 * KiB;

struct Directory {
  DirectoryIdentity identity;
  Time touched;
  bool is_directory;  // otherwise something that the protocol does not know
};

// Failure: not_found if there is nothing.
Result<Directory> look_at(const std::string& path) {
  struct statx status;
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &status) != 0) {
    return Error::from_errno(errno, path);
  }
  const bool has_birth_time = (status.stx_mask & STATX_BTIME) != 0;
  const std::int64_t born_ns =
      has_birth_time ? status.stx_btime.tv_sec * 1'000'000'000 + status.stx_btime.tv_nsec : 0;
  const auto touched = seconds(status.stx_mtime.tv_sec) + std::chrono::nanoseconds(status.stx_mtime.tv_nsec);
  return Directory{{path, makedev(status.stx_dev_major, status.stx_dev_minor), status.stx_ino, born_ns},
                   Time(std::chrono::floor<Milliseconds>(touched)),
                   S_ISDIR(status.stx_mode)};
}

bool is_same(const DirectoryIdentity& one, const DirectoryIdentity& other) {
  return one.device == other.device && one.inode == other.inode && one.born_ns == other.born_ns;
}

bool is_at(const std::string& path, const DirectoryIdentity& lock) {
  const auto found = look_at(path);
  return found && is_same(found->identity, lock);
}

// In place: its length does not change.
Result<void> write_lease(const std::string& path, int flags) {
  const UniqueFd file(::open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return Error::from_errno(errno, path);
  const std::string text = fmt::format(R"({{"pid": {}, "nonce": "oci-oauth", "at": {}}})", ::getpid(),
                                       now().time_since_epoch().count());
  return write_all(file.get(), text, path);
}

// As rmdir(2), also for what is not a directory.
int remove_any(const std::string& path) {
  const int removed = ::rmdir(path.c_str());
  return removed != 0 && errno == ENOTDIR ? ::unlink(path.c_str()) : removed;
}

void remove(const DirectoryIdentity& lock) {
  if (is_at(lock.path, lock)) remove_any(lock.path);
}

// What is beside a lock: `where` a lock is created before it gets its name, or where a stale one is checked
// once more before it is removed.
std::string beside(const std::string& path, const LockManner& manner, std::string_view where) {
  return fmt::format("{}{}{}{}.oci-oauth", path, manner.mark.empty() ? "" : ".", manner.mark, where);
}
constexpr std::string_view unnamed, set_aside = ".stale";

void give_back(std::vector<DirectoryIdentity>& locks) {
  for (auto lock = locks.rbegin(); lock != locks.rend(); ++lock) remove(*lock);
  locks.clear();
}

// What is at a lock's path, and when it becomes stale.
struct InTheWay : Directory {
  Milliseconds stale_after;
  bool is_abandoned = false;  // its holder is proven to be gone

  bool counts(Time at) const {
    const Milliseconds age = now() - at;
    return !is_abandoned && age <= stale_after && age >= -rounding;
  }
};

// The record beside the locks; empty if there is none.
std::string read_record(const std::string& path) {
  if (path.empty()) return "";
  auto text = read_file(FileAt{.path = path}, record_limit, Links::refused);
  return text ? std::move(*text) : "";
}

// What will become the lock. Whatever is at its temporary path `made` was left by a killed run of ours.
Result<DirectoryIdentity> make_unnamed(const ProviderLock& lock, const std::string& made) {
  const auto make = [&]() -> Result<void> {
    if (lock.kind == LockKind::lease) return write_lease(made, O_WRONLY | O_CREAT | O_EXCL);
    if (::mkdir(made.c_str(), 0700) != 0) return Error::from_errno(errno, fmt::format("{}: mkdir", made));
    return {};
  };
  auto done = make();
  const bool is_ready_now = !done && (done.error().kind == ErrorKind::not_found
                                          ? ::mkdir(parent_directory(lock.path).c_str(), 0700) == 0
                                          : remove_any(made) == 0);
  if (is_ready_now) done = make();
  if (!done) return std::move(done).error();
  auto looked = TRY(look_at(made));
  looked.identity.path = lock.path;
  return std::move(looked.identity);
}

// No program of this user can create a lock there, because of the permissions of its parent or a read-only
// file system. A process that is confined further (landlock(7)) says nothing about the others.
bool nobody_can_make(const std::string& path) {
  return ::faccessat(AT_FDCWD, parent_directory(path).c_str(), W_OK | X_OK, AT_EACCESS) != 0 &&
         (errno == EACCES || errno == EROFS);
}

Error not_removable(int reason, const Directory& stale) {
  const bool full = reason == ENOTEMPTY || reason == EEXIST;
  const char* command = !stale.is_directory ? "rm" : full ? "rm -r" : "rmdir";
  return Error::from_errno(reason, fmt::format("{}: remove the stale lock", stale.identity.path))
      .with_hint(fmt::format("{} {}", command, shell_word(stale.identity.path)));
}

// Between the check and the removal, somebody may have replaced the lock by a live one, or touched it.
// Therefore it is first renamed, and renamed back if it is not the one that was checked.
Result<void> remove_stale(const InTheWay& seen, const LockManner& manner) {
  const std::string& path = seen.identity.path;
  const std::string aside = beside(path, manner, set_aside);
  if (::rename(path.c_str(), aside.c_str()) != 0) {
    return errno == ENOENT ? Result<void>() : not_removable(errno, seen);
  }
  const auto found = look_at(aside);
  if (found && is_same(found->identity, seen.identity) && !seen.counts(found->touched)) {
    if (remove_any(aside) == 0) return {};
    const int reason = errno;
    ::renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE);
    return not_removable(reason, seen);
  }
  if (::renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0) remove_any(aside);
  return {};
}

// Like mkdir(2) for everybody else: fails if the lock exists. Failure: errno.
int give_name(const std::string& path, const std::string& made) {
  if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // For a file system without RENAME_NOREPLACE (NFS): a file has link(2). rename(2) may replace an empty
  // directory, so that lock is first created by mkdir(2) and then replaced by ours.
  if (::link(made.c_str(), path.c_str()) == 0) return ::unlink(made.c_str()) == 0 ? 0 : errno;
  if (errno == EEXIST) return errno;
  if (::mkdir(path.c_str(), 0700) != 0) return errno;
  return ::rename(made.c_str(), path.c_str()) == 0 ? 0 : errno;
}

// Takes locks.
class Taker {
 public:
  Taker(const LockNotice& notice, const LockManner& manner) : notice_(notice), manner_(manner) {}

  // All of them or none. Result: the live lock in the way; nullopt: each is held, or was skipped.
  Result<std::optional<InTheWay>> take(const std::vector<ProviderLock>& locks);

  std::vector<DirectoryIdentity> held;
  std::vector<std::string> passed_over;

 private:
  Result<std::optional<InTheWay>> take(const ProviderLock& lock);
  Result<bool> make(const ProviderLock& lock, const std::optional<InTheWay>& stale);

  const LockNotice& notice_;
  const LockManner& manner_;
};

// It is created under another name first, so that its identity is recorded before it becomes a lock: after a
// kill, the next run recognises every lock as ours. Result: false if somebody else was faster.
Result<bool> Taker::make(const ProviderLock& lock, const std::optional<InTheWay>& stale) {
  const std::string temporary = beside(lock.path, manner_, unnamed);
  auto made = make_unnamed(lock, temporary);
  if (!made && nobody_can_make(lock.path)) {
    passed_over.push_back(
        fmt::format("{}: no program of this user can create this lock; continuing without it", lock.path));
    return true;
  }
  if (!made) return std::move(made).error();
  auto ready = notice_ ? notice_(*made) : Result<void>();
  if (ready && stale) ready = remove_stale(*stale, manner_);
  const int refused = ready ? give_name(lock.path, temporary) : 0;
  if (ready && refused == 0) {
    held.push_back(std::move(*made));
    return true;
  }
  remove_any(temporary);
  if (!ready) return std::move(ready).error();
  if (refused == EEXIST) return false;
  return Error::from_errno(refused, fmt::format("{}: create", lock.path));
}

Result<std::optional<InTheWay>> Taker::take(const ProviderLock& lock) {
  while (true) {
    auto found = look_at(lock.path);
    if (!found && found.error().kind != ErrorKind::not_found) return std::move(found).error();
    std::optional<InTheWay> there;
    if (found) {
      const bool abandoned = is_abandoned(read_record(manner_.owner_record), found->identity.born_ns);
      there.emplace(InTheWay{{std::move(*found)}, lock.stale_after, abandoned});
    }
    if (there && there->counts(there->touched)) return there;
    if (TRY(make(lock, there))) return std::optional<InTheWay>();
  }
}

Result<std::optional<InTheWay>> Taker::take(const std::vector<ProviderLock>& locks) {
  passed_over.clear();
  for (const ProviderLock& lock : locks) {
    auto in_the_way = take(lock);
    if (in_the_way && !*in_the_way) continue;
    give_back(held);
    return in_the_way;
  }
  return std::optional<InTheWay>();
}

// Wakes when a lock is released.
class ReleaseWatch {
 public:
  explicit ReleaseWatch(const std::vector<ProviderLock>& locks)
      : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    for (const ProviderLock& lock : locks) {
      const int watch = ::inotify_add_watch(inotify_.get(), parent_directory(lock.path).c_str(),
                                            IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR);
      complete_ = complete_ && watch >= 0;
    }
  }

  // Returns when `lock` disappears, after `longest`, or on a signal; other locks, including our own, wake
  // nobody. If inotify's limits (inotify(7)) prevent watching, `longest` is at most a second.
  void wait(const std::string& lock, Milliseconds longest) {
    if (!complete_) longest = std::min<Milliseconds>(longest, seconds(1));
    const SteadyTime end = steady_clock::now() + longest;
    for (Milliseconds left = longest; left.count() > 0;
         left = std::chrono::ceil<Milliseconds>(end - steady_clock::now())) {
      pollfd event = {inotify_.get(), POLLIN, 0};
      if (::poll(&event, 1, static_cast<int>(left.count())) != 1 || names(base_name(lock))) {
        return;
      }
    }
  }

 private:
  // Reads all events. Result: whether one is about `name`, or some were lost.
  bool names(const std::string& name) {
    bool found = false;
    alignas(inotify_event) char events[4096];
    for (ssize_t size; (size = ::read(inotify_.get(), events, sizeof events)) > 0;) {
      for (ssize_t at = 0; at < size;) {
        inotify_event event;
        memcpy(&event, events + at, sizeof event);
        found = found || (event.mask & IN_Q_OVERFLOW) != 0 ||
                (event.len > 0 && name == events + at + sizeof event);
        at += static_cast<ssize_t>(sizeof event + event.len);
      }
    }
    return found;
  }

  UniqueFd inotify_;
  bool complete_ = true;
};

}  // namespace

Result<DirectoryLocks> DirectoryLocks::acquire(const std::vector<ProviderLock>& locks, SteadyTime deadline,
                                               const std::function<bool()>& stop, const LockNotice& notice,
                                               const LockManner& manner) {
  Taker taker(notice, manner);
  std::unique_ptr<ReleaseWatch> watch;
  while (!stop()) {
    const auto in_the_way = TRY(taker.take(locks));
    const SteadyTime time = steady_clock::now();
    if (!in_the_way) {
      DirectoryLocks held;
      held.held_ = std::move(taker.held);
      held.passed_over_ = std::move(taker.passed_over);
      held.record_owner(manner.owner_record);
      return held;
    }
    const std::string& path = in_the_way->identity.path;
    if (time >= deadline)
      return Error{ErrorKind::temporary,
                   fmt::format("{}: another program holds this lock, last updated {} ago", path,
                               describe(now() - in_the_way->touched))};
    if (watch) {
      const auto until_deadline = std::chrono::ceil<Milliseconds>(deadline - time);
      const Milliseconds until_stale =
          in_the_way->touched + in_the_way->stale_after - now() + Milliseconds(1);
      watch->wait(path, std::min(until_deadline, until_stale));
    } else {
      // Check once more before waiting: the lock may have been released before the watch existed.
      watch = std::make_unique<ReleaseWatch>(locks);
    }
  }
  return Error{ErrorKind::temporary, "interrupted while waiting for locks"};
}

DirectoryLocks::~DirectoryLocks() {
  // Unless a program that took over the locks has written its own.
  if (!record_.empty() && read_record(record_path_) == record_) ::unlink(record_path_.c_str());
  give_back(held_);
}

// Without a record, other programs merely wait a minute longer after a kill.
void DirectoryLocks::record_owner(const std::string& path) {
  if (path.empty() || held_.empty() || held_.front().born_ns == 0) return;
  const auto second = held_.size() > 1 ? std::optional(held_[1].born_ns) : std::nullopt;
  std::string record = lock_owner_record(held_.front().born_ns, second);
  const UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!file || !write_all(file.get(), record, path)) return;
  record_path_ = path;
  record_ = std::move(record);
}

Result<void> DirectoryLocks::touch() {
  for (const DirectoryIdentity& lock : held_) {
    const auto found = look_at(lock.path);
    if (!found && found.error().kind != ErrorKind::not_found) return found.error();
    if (!found || !is_same(found->identity, lock))
      return Error{ErrorKind::temporary, fmt::format("{}: another program took over this lock", lock.path)};
    if (!found->is_directory) {
      TRY(write_lease(lock.path, O_WRONLY));
    } else if (::utimensat(AT_FDCWD, lock.path.c_str(), nullptr, AT_SYMLINK_NOFOLLOW) != 0) {
      return Error::from_errno(errno, fmt::format("{}: touch", lock.path));
    }
  }
  return {};
}

void remove_left_behind(const DirectoryIdentity& lock, const LockManner& manner) {
  if (lock.born_ns == 0) return;
  // As long as the lock exists, nobody else can have written a record, not even a partial one.
  if (!manner.owner_record.empty()) {
    const std::string record = read_record(manner.owner_record);
    if (is_at(lock.path, lock) || names_lock(record, lock.born_ns)) ::unlink(manner.owner_record.c_str());
  }
  remove(lock);
  remove({beside(lock.path, manner, unnamed), lock.device, lock.inode, lock.born_ns});
  remove_any(beside(lock.path, manner, set_aside));
}

}  // namespace oci_oauth
