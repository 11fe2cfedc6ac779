// SPDX-License-Identifier: Apache-2.0
#include "refresh/directory_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
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

bool is_still_there(const DirectoryIdentity& lock) {
  const auto found = look_at(lock.path);
  return found && found->identity == lock;
}

void remove(const DirectoryIdentity& lock) {
  if (is_still_there(lock)) ::rmdir(lock.path.c_str());
}

void give_back(std::vector<DirectoryIdentity>& locks) {
  for (auto lock = locks.rbegin(); lock != locks.rend(); ++lock) remove(*lock);
  locks.clear();
}

bool is_stale(Time touched) {
  const Milliseconds age = now() - touched;
  return age > DirectoryLocks::stale_after || age < -rounding;
}

// Result: the live lock in the way; nullopt where the lock is ours now.
Result<std::optional<Directory>> take(const std::string& path, std::vector<DirectoryIdentity>& held) {
  while (::mkdir(path.c_str(), 0700) != 0) {
    if (errno != EEXIST) return Error::from_errno(errno, fmt::format("{}: mkdir", path));
    auto found = look_at(path);
    if (!found && found.error().kind == ErrorKind::not_found) continue;
    if (!found) return std::move(found).error();
    if (!is_stale(found->touched)) return std::optional(std::move(*found));
    if (::rmdir(path.c_str()) != 0 && errno != ENOENT) {
      return Error::from_errno(errno, fmt::format("{}: remove the stale lock", path))
          .with_hint("nobody has used this lock for a while: remove it by hand");
    }
  }
  auto made = look_at(path);
  if (!made) return std::move(made).error();
  held.push_back(std::move(made->identity));
  return std::optional<Directory>();
}

// All or none.
Result<std::optional<Directory>> take_all(const std::vector<std::string>& paths,
                                          std::vector<DirectoryIdentity>& held) {
  for (const std::string& path : paths) {
    auto in_the_way = take(path, held);
    if (in_the_way && !*in_the_way) continue;
    give_back(held);
    return in_the_way;
  }
  return std::optional<Directory>();
}

// Wakes when something goes from a directory that holds a lock.
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

  // Returns early on a signal. Where inotify's limits (inotify(7)) leave us blind, a second is the longest.
  void wait(Milliseconds longest) {
    if (!complete_) longest = std::min<Milliseconds>(longest, seconds(1));
    pollfd event = {inotify_.get(), POLLIN, 0};
    ::poll(&event, 1, static_cast<int>(std::max<Milliseconds::rep>(longest.count(), 0)));
    char events[4096];
    while (::read(inotify_.get(), events, sizeof events) > 0) {
    }
  }

 private:
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
                                               const std::function<bool()>& stop) {
  DirectoryLocks locks;
  std::optional<ReleaseWatch> watch;
  while (!stop()) {
    auto in_the_way = take_all(paths, locks.held_);
    if (!in_the_way) return std::move(in_the_way).error();
    locks.touched_ = steady_clock::now();
    if (!*in_the_way) return locks;
    if (locks.touched_ >= deadline) return held_elsewhere(**in_the_way);
    if (watch) {
      const auto until_deadline = std::chrono::ceil<Milliseconds>(deadline - locks.touched_);
      const Milliseconds until_stale = (*in_the_way)->touched + stale_after - now() + Milliseconds(1);
      watch->wait(std::min(until_deadline, until_stale));
    } else {
      // Once more before waiting: the lock may have gone before anybody watched.
      watch.emplace(paths);
    }
  }
  return Error{ErrorKind::temporary, "interrupted while waiting for locks", ""};
}

DirectoryLocks::~DirectoryLocks() {
  give_back(held_);
}

bool DirectoryLocks::keep_alive(SteadyTime now) {
  if (now - touched_ < touch_every) return true;
  touched_ = now;
  return std::ranges::all_of(held_, [](const DirectoryIdentity& lock) {
    return is_still_there(lock) &&
           ::utimensat(AT_FDCWD, lock.path.c_str(), nullptr, AT_SYMLINK_NOFOLLOW) == 0;
  });
}

std::vector<DirectoryIdentity> DirectoryLocks::identities() const {
  return held_;
}

void remove_left_behind(const DirectoryIdentity& lock) {
  remove(lock);
}

}  // namespace oci_oauth
