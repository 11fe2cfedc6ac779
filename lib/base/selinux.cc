// SPDX-License-Identifier: Apache-2.0
#include "base/selinux.h"

#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "base/fmt.h"

namespace oci_oauth {

namespace {

constexpr const char* attribute = "security.selinux";  // xattr(7)
constexpr const char* enforcement = "/sys/fs/selinux/enforce";
constexpr int fields_before_level = 3;

}  // namespace

bool selinux_is_on() {
  return ::access(enforcement, F_OK) == 0;
}

std::string without_categories(std::string_view label) {
  size_t level = 0;
  for (int field = 0; field < fields_before_level; ++field) {
    level = label.find(':', level);
    if (level == std::string_view::npos) return std::string(label);
    ++level;
  }
  return std::string(label.substr(0, label.find(':', level)));
}

Result<void> set_selinux_label(int fd, const std::string& label, std::string_view shown) {
  // The kernel counts the terminating zero as part of the label.
  if (::fsetxattr(fd, attribute, label.c_str(), label.size() + 1, 0) == 0) return {};
  return Error::from_errno(errno, fmt::format("{}: label '{}'", shown, label));
}

}  // namespace oci_oauth
