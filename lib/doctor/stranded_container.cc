// SPDX-License-Identifier: Apache-2.0
#include "doctor/stranded_container.h"

#include <set>
#include <string_view>

#include "base/file.h"
#include "base/fmt.h"
#include "base/path.h"
#include "base/size.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr size_t mountinfo_limit = 1 * MiB;
constexpr size_t root_field = 3, mount_point_field = 4;

// proc(5): "36 35 0:52 /oci-oauth/share/claude//deleted /run/secrets/claude rw - tmpfs tmpfs rw".
void add_removed_shares(std::string_view mountinfo, const std::string& shares, pid_t process,
                        std::vector<StrandedContainer>& found) {
  while (!mountinfo.empty()) {
    const auto fields = words_in(next_line(mountinfo));
    if (fields.size() <= mount_point_field) continue;
    const std::string_view root = fields[root_field];
    if (root.ends_with("//deleted") && root.find(shares) != std::string_view::npos)
      found.push_back({process, std::string(fields[mount_point_field])});
  }
}

}  // namespace

std::vector<StrandedContainer> stranded_containers(const std::string& runtime_dir) {
  const std::string shares = fmt::format("/{}/share/", base_name(runtime_dir));
  std::vector<StrandedContainer> found;
  std::set<std::string> seen;  // mount namespaces
  const auto names = names_in({.path = "/proc"});
  if (!names) return found;
  for (const std::string& name : *names) {
    const auto process = number_in<pid_t>(name);
    if (!process) continue;
    const auto mounts = link_target(fmt::format("/proc/{}/ns/mnt", name));
    if (!mounts || !seen.insert(*mounts).second) continue;
    const auto mountinfo = read_file({.path = fmt::format("/proc/{}/mountinfo", name)}, mountinfo_limit);
    if (mountinfo) add_removed_shares(*mountinfo, shares, *process, found);
  }
  return found;
}

}  // namespace oci_oauth
