// SPDX-License-Identifier: Apache-2.0
#include "token/records.h"

namespace oci_oauth {

FileStamp FileStamp::of(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size,
          std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

bool login_is_unchanged(const std::string& path, const Published& published) {
  if (!published.login_is_visible) return true;
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 && FileStamp::of(status) == published.login;
}

}  // namespace oci_oauth
