// SPDX-License-Identifier: Apache-2.0
// Directories as locks, made by hand and taken.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>

#include "exchange/directory_lock.h"
#include "support/catch.h"
#include "support/temp_dir.h"

namespace oci_oauth::lock_test {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

inline const auto never = [] { return false; };

inline bool exists(const std::string& path) {
  return std::filesystem::exists(path);
}

inline Milliseconds age(const std::string& path) {
  struct stat status;
  REQUIRE(::stat(path.c_str(), &status) == 0);
  const auto touched =
      std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  return std::chrono::duration_cast<Milliseconds>(now().time_since_epoch() - touched);
}

inline std::set<std::string> names_in(const std::string& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.insert(entry.path().filename());
  return names;
}

inline void make_lock(const std::string& path, Milliseconds old = 0ms) {
  std::filesystem::create_directory(path);
  const auto touched = (now() - old).time_since_epoch().count();
  const timespec time = {touched / 1000, touched % 1000 * 1'000'000};
  const timespec times[] = {time, time};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

inline std::vector<ProviderLock> locks_at(const std::vector<std::string>& paths) {
  std::vector<ProviderLock> locks;
  for (const std::string& path : paths) locks.push_back({path});
  return locks;
}

inline Result<DirectoryLocks> acquire(const std::vector<std::string>& paths, Milliseconds patience = 0ms,
                                      const std::function<bool()>& stop = never) {
  return DirectoryLocks::acquire(locks_at(paths), steady_clock::now() + patience, stop);
}

struct TwoLocks {
  TempDir directory;
  std::string first = directory / "first.lock", second = directory / "second.lock";
  std::vector<std::string> paths{first, second};
};

}  // namespace oci_oauth::lock_test
