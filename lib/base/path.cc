// SPDX-License-Identifier: Apache-2.0
#include "base/path.h"

#include <sys/stat.h>

#include <cerrno>
#include <deque>
#include <utility>

#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr unsigned most_links = 40;  // as in path_resolution(7)

// Puts the components of `path` in front of `pending`.
void prepend(std::deque<std::string>& pending, std::string_view path) {
  auto at = pending.begin();
  while (!path.empty()) {
    const std::string_view name = next_part(path, '/');
    if (!name.empty() && name != ".") at = std::next(pending.emplace(at, name));
  }
}

}  // namespace

std::optional<std::string> normalised_path(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  std::string normalised;
  while (!path.empty()) {
    const std::string_view component = next_part(path, '/');
    if (component.empty() || component == ".") continue;
    if (component == "..") return std::nullopt;
    normalised.append("/").append(component);
  }
  if (normalised.empty()) normalised = "/";
  return normalised;
}

bool lies_within(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
}

std::string parent_directory(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string base_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

Result<std::optional<Owner>> find_other_owner(const std::string& path, uid_t trusted) {
  std::deque<std::string> pending;
  prepend(pending, path);
  std::string here;  // without a link, so its parent is the text without the last component; "" is "/"
  for (unsigned links = 0; !pending.empty();) {
    const std::string name = std::move(pending.front());
    pending.pop_front();
    if (name == "..") {
      here.erase(here.empty() ? 0 : here.rfind('/'));
      continue;
    }
    std::string next = here + "/" + name;
    struct stat status;
    if (::lstat(next.c_str(), &status) != 0) {
      if (errno == ENOENT && pending.empty()) break;
      return Error::from_errno(errno, next);
    }
    if (status.st_uid != 0 && status.st_uid != trusted)
      return std::optional(Owner{status.st_uid, status.st_gid});
    if (S_ISLNK(status.st_mode)) {
      if (++links > most_links) return Error::from_errno(ELOOP, next);
      const std::string target = TRY(link_target(next));
      if (target.starts_with('/')) here.clear();
      prepend(pending, target);
    } else if (!S_ISDIR(status.st_mode) && !pending.empty()) {
      return Error::from_errno(ENOTDIR, next);
    } else {
      here = std::move(next);
    }
  }
  return std::optional<Owner>();
}

}  // namespace oci_oauth
