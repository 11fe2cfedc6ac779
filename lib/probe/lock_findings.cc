// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/fmt.h"
#include "base/path.h"
#include "base/text.h"
#include "probe/login_findings.h"

namespace oci_oauth {

namespace {

// proper-lockfile rounds an mtime up, so a live lock may be slightly in the future.
constexpr Milliseconds rounding = std::chrono::seconds(5);

Time touched_at(const struct stat& status) {
  return Time(std::chrono::seconds(status.st_mtim.tv_sec));
}

// nullopt if there is nothing at `path`, or a live lock.
std::optional<Finding> examine(const std::string& check, const std::string& path, Milliseconds stale_after,
                               Time now) {
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return problem(check, Error::from_errno(errno, path));
  }
  if (!S_ISDIR(status.st_mode)) {
    return Finding{check, Verdict::problem,
                   fmt::format("{}: is {}: no program can take this lock", path, file_type(status.st_mode)),
                   "rm " + shell_word(path)};
  }
  if (status.st_uid != ::geteuid()) {
    return Finding{check, Verdict::problem,
                   fmt::format("{}: was left behind by uid {}, and the login's own programs cannot update it",
                               path, status.st_uid),
                   "rmdir " + shell_word(path)};
  }
  const Milliseconds age = now - touched_at(status);
  if (age < -rounding) {
    return Finding{check, Verdict::warning,
                   fmt::format("{}: is dated {} in the future: other programs may wait for that long", path,
                               describe(-age)),
                   "rmdir " + shell_word(path)};
  }
  if (age > stale_after) {
    return Finding{
        check, Verdict::warning,
        fmt::format("{}: was left behind {} ago; the next refresh removes it", path, describe(age)),
        "rmdir " + shell_word(path)};
  }
  return std::nullopt;
}

}  // namespace

Findings examine_locks(const Profile& profile, const Provider& provider, Time now) {
  const auto real = real_path(profile.credentials);
  const std::string directory = parent_directory(real ? *real : profile.credentials);
  const std::string check = fmt::format("locks of '{}'", profile.name);
  Findings findings;
  std::vector<ProviderLock> locks = provider.save_locks;
  locks.insert(locks.end(), provider.locks.begin(), provider.locks.end());
  std::erase_if(locks, [](const ProviderLock& lock) { return lock.kind != LockKind::directory; });
  for (const ProviderLock& lock : locks) {
    if (auto finding =
            examine(check, with_value(lock.path, "{directory}", directory), lock.stale_after, now)) {
      findings.push_back(std::move(*finding));
    }
  }
  if (findings.empty() && !locks.empty()) {
    findings.push_back({check, Verdict::ok, "no lock is left behind", ""});
  }
  return findings;
}

}  // namespace oci_oauth
