// SPDX-License-Identifier: Apache-2.0
#include "token/refresh_mark.h"

#include <sys/stat.h>

namespace oci_oauth {

namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

// A lock without the mark has no common time: each waits for as long as it may.
void set_time(int lock, SteadyTime time) {
  const auto since_start = time.time_since_epoch();
  const auto whole = std::chrono::floor<seconds>(since_start);
  const timespec mark = {whole.count(), nanoseconds(since_start - whole).count()};
  const timespec times[] = {mark, mark};
  (void)::futimens(lock, times);
}

}  // namespace

RefreshMark::RefreshMark(int lock, SteadyTime began) : lock_(lock) {
  set_time(lock_, began);
}

RefreshMark::~RefreshMark() {
  clear_refresh_mark(lock_);
}

void clear_refresh_mark(int lock) {
  set_time(lock, SteadyTime{});
}

std::optional<SteadyTime> beginning_of_refresh(const FileAt& lock, SteadyTime now) {
  struct stat status;
  if (::fstatat(lock.directory, lock.path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  const SteadyTime began(seconds(status.st_mtim.tv_sec) + nanoseconds(status.st_mtim.tv_nsec));
  // A lock that nobody has marked has the wall clock's time, which is decades ahead.
  return began > SteadyTime{} && began <= now ? std::optional(began) : std::nullopt;
}

}  // namespace oci_oauth
