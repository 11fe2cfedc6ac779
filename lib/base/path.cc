// SPDX-License-Identifier: Apache-2.0
#include "base/path.h"

#include "base/text.h"

namespace oci_oauth {

bool normalise_path(std::string_view path, std::string& normalised) {
  normalised.clear();
  if (!path.starts_with('/')) return false;
  while (!path.empty()) {
    const std::string_view component = next_part(path, '/');
    if (component.empty() || component == ".") continue;
    if (component == "..") return false;
    normalised += '/';
    normalised += component;
  }
  if (normalised.empty()) normalised = "/";
  return true;
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

}  // namespace oci_oauth
