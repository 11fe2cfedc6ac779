// SPDX-License-Identifier: Apache-2.0
#include "exchange/directory_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "base/path.h"

namespace oci_oauth {

namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

// proper-lockfile rounds an mtime up to the next second and a little more, so its live locks may be in the
// future.
constexpr Milliseconds rounding = seconds(5);

struct Directory {
  DirectoryIdentity identity;
  Time touched;
};

// Failure: not_found where there is nothing.
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
                   Time(std::chrono::floor<Milliseconds>(touched))};
}

bool is_same(const DirectoryIdentity& one, const DirectoryIdentity& other) {
  return one.device == other.device && one.inode == other.inode && one.born_ns == other.born_ns;
}

bool is_at(const std::string& path, const DirectoryIdentity& lock) {
  const auto found = look_at(path);
  return found && is_same(found->identity, lock);
}

Result<void> touch_lock(const DirectoryIdentity& lock) {
  const auto found = look_at(lock.path);
  if (!found && found.error().kind != ErrorKind::not_found) return found.error();
  if (!found || !is_same(found->identity, lock))
    return Error{ErrorKind::temporary, fmt::format("{}: another program took this lock over", lock.path), ""};
  if (::utimensat(AT_FDCWD, lock.path.c_str(), nullptr, AT_SYMLINK_NOFOLLOW) != 0)
    return Error::from_errno(errno, fmt::format("{}: touch", lock.path));
  return {};
}

void remove(const DirectoryIdentity& lock) {
  if (is_at(lock.path, lock)) ::rmdir(lock.path.c_str());
}

// Where a lock is made before it gets its name.
std::string unnamed(const std::string& path) {
  return path + ".oci-oauth";
}

void give_back(std::vector<DirectoryIdentity>& locks) {
  for (auto lock = locks.rbegin(); lock != locks.rend(); ++lock) remove(*lock);
  locks.clear();
}

bool is_stale(Time touched) {
  const Milliseconds age = now() - touched;
  return age > DirectoryLocks::stale_after || age < -rounding;
}

// Result: the live lock at `path`; nullopt where there is none, or none any more because it was stale.
Result<std::optional<Directory>> in_the_way(const std::string& path) {
  auto found = look_at(path);
  if (!found && found.error().kind == ErrorKind::not_found) return std::optional<Directory>();
  if (!found) return std::move(found).error();
  if (!is_stale(found->touched)) return std::optional(std::move(*found));
  if (::rmdir(path.c_str()) != 0 && errno != ENOENT) {
    return Error::from_errno(errno, fmt::format("{}: remove the stale lock", path))
        .with_hint("nobody has used this lock for a while: remove it by hand");
  }
  return std::optional<Directory>();
}

// A directory that will be the lock at `path`. What a killed run left at its place is only ever ours.
Result<DirectoryIdentity> make_unnamed(const std::string& path) {
  const std::string made = unnamed(path);
  const auto make = [&] { return ::mkdir(made.c_str(), 0700) == 0; };
  if (!make() && !(errno == EEXIST && ::rmdir(made.c_str()) == 0 && make())) {
    return Error::from_errno(errno, fmt::format("{}: mkdir", made));
  }
  auto looked = look_at(made);
  if (!looked) return std::move(looked).error();
  looked->identity.path = path;
  return std::move(looked->identity);
}

// As mkdir(2) for everybody else: it fails where the lock is there. Failure: errno.
int give_name(const std::string& path) {
  if (::renameat2(AT_FDCWD, unnamed(path).c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // A file system without RENAME_NOREPLACE (NFS). An empty directory may be replaced by rename(2), so the
  // lock is made first, by mkdir(2), and is then replaced by ours.
  if (::mkdir(path.c_str(), 0700) != 0) return errno;
  return ::rename(unnamed(path).c_str(), path.c_str()) == 0 ? 0 : errno;
}

// Result: the live lock in the way; nullopt where the lock is ours now. It is made under another name first:
// its identity is noted before it is a lock, so no kill leaves one that the next run does not know for ours.
Result<std::optional<Directory>> take(const std::string& path, const LockNotice& notice,
                                      std::vector<DirectoryIdentity>& held) {
  while (true) {
    if (auto found = in_the_way(path); !found || *found) return found;
    auto made = make_unnamed(path);
    if (!made) return std::move(made).error();
    const auto noted = notice ? notice(*made) : Result<void>();
    const int refused = noted ? give_name(path) : 0;
    if (noted && refused == 0) {
      held.push_back(std::move(*made));
      return std::optional<Directory>();
    }
    ::rmdir(unnamed(path).c_str());
    if (!noted) return noted.error();
    if (refused != EEXIST) return Error::from_errno(refused, fmt::format("{}: mkdir", path));
  }
}

// All or none.
Result<std::optional<Directory>> take_all(const std::vector<std::string>& paths, const LockNotice& notice,
                                          std::vector<DirectoryIdentity>& held) {
  for (const std::string& path : paths) {
    auto in_the_way = take(path, notice, held);
    if (in_the_way && !*in_the_way) continue;
    give_back(held);
    return in_the_way;
  }
  return std::optional<Directory>();
}

// Wakes when a lock goes.
class ReleaseWatch {
 public:
  explicit ReleaseWatch(const std::vector<std::string>& locks)
      : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    for (const std::string& lock : locks) {
      const int watch = ::inotify_add_watch(inotify_.get(), parent_directory(lock).c_str(),
                                            IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR);
      complete_ = complete_ && watch >= 0;
    }
  }

  // Until `lock` goes, `longest` is over, or a signal comes; other locks that go, our own among them, wake
  // nobody. Where inotify's limits (inotify(7)) leave us blind, a second is the longest.
  void wait(const std::string& lock, Milliseconds longest) {
    if (!complete_) longest = std::min<Milliseconds>(longest, seconds(1));
    const SteadyTime end = steady_clock::now() + longest;
    for (Milliseconds left = longest; left.count() > 0;
         left = std::chrono::ceil<Milliseconds>(end - steady_clock::now())) {
      pollfd event = {inotify_.get(), POLLIN, 0};
      if (::poll(&event, 1, static_cast<int>(left.count())) != 1 || names(lock.substr(lock.rfind('/') + 1))) {
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

Error held_elsewhere(const Directory& lock) {
  return {ErrorKind::temporary,
          fmt::format("{}: another program holds this lock, last touched {} ago", lock.identity.path,
                      describe(now() - lock.touched)),
          ""};
}

}  // namespace

Result<DirectoryLocks> DirectoryLocks::acquire(const std::vector<std::string>& paths, SteadyTime deadline,
                                               const std::function<bool()>& stop, const LockNotice& notice) {
  DirectoryLocks locks;
  std::unique_ptr<ReleaseWatch> watch;
  while (!stop()) {
    auto in_the_way = take_all(paths, notice, locks.held_);
    if (!in_the_way) return std::move(in_the_way).error();
    locks.touched_ = steady_clock::now();
    if (!*in_the_way) return locks;
    if (locks.touched_ >= deadline) return held_elsewhere(**in_the_way);
    if (watch) {
      const auto until_deadline = std::chrono::ceil<Milliseconds>(deadline - locks.touched_);
      const Milliseconds until_stale = (*in_the_way)->touched + stale_after - now() + Milliseconds(1);
      watch->wait((*in_the_way)->identity.path, std::min(until_deadline, until_stale));
    } else {
      // Once more before waiting: the lock may have gone before anybody watched.
      watch = std::make_unique<ReleaseWatch>(paths);
    }
  }
  return Error{ErrorKind::temporary, "interrupted while waiting for locks", ""};
}

DirectoryLocks::~DirectoryLocks() {
  give_back(held_);
}

Result<void> DirectoryLocks::touch(SteadyTime now) {
  touched_ = now;
  for (const DirectoryIdentity& lock : held_) {
    if (auto touched = touch_lock(lock); !touched) return touched;
  }
  return {};
}

void remove_left_behind(const DirectoryIdentity& lock) {
  remove(lock);
  if (is_at(unnamed(lock.path), lock)) ::rmdir(unnamed(lock.path).c_str());
}

}  // namespace oci_oauth
