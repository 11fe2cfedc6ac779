// SPDX-License-Identifier: Apache-2.0
#include "base/fmt.h"
#include "base/text.h"
#include "doctor/checks.h"

namespace oci_oauth {

namespace {

constexpr const char* check_name = "runtime directory";

Findings finding(Verdict verdict, std::string message, std::string remedy = "") {
  return {{check_name, verdict, std::move(message), std::move(remedy)}};
}

// Host root mounts a tmpfs on share/; otherwise it is on its parent's file system.
Findings not_there_yet(const HostView& host, const std::string& path) {
  if (host.is_root || host.runtime_directory.is_in_memory)
    return finding(Verdict::ok, fmt::format("{}: will be created by the first refresh", path));
  return finding(Verdict::warning, fmt::format("{}: will be created on a disk by the first refresh", path),
                 "set \"runtime_dir\" to a directory on a tmpfs, for example $XDG_RUNTIME_DIR/oci-oauth");
}

Findings judge(const CheckContext& context) {
  const HostView& host = context.host;
  const RuntimeDirectoryView& view = host.runtime_directory;
  const std::string& path = context.config.runtime_dir;
  if (view.state == RuntimeDirectoryView::refused) return {problem(check_name, view.error)};
  if (view.state == RuntimeDirectoryView::missing) return not_there_yet(host, path);
  if (!view.is_in_memory) {
    return finding(Verdict::warning, fmt::format("{}/share: is on a disk: tokens are written to it", path),
                   "set \"runtime_dir\" to a directory on a tmpfs, as /run is on most hosts");
  }
  if (host.is_root && !view.has_own_file_system) {
    return finding(
        Verdict::warning,
        fmt::format("{}/share: shares its file system with other files, which a container could "
                    "open with open_by_handle_at(2)",
                    path),
        fmt::format("while no container is running: rm -r {} && oci-oauth refresh", shell_word(path)));
  }
  return finding(Verdict::ok, fmt::format("{}: is private and in memory", path));
}

}  // namespace

Findings check_runtime_directory(const CheckContext& context) {
  Findings findings = judge(context);
  for (const StrandedContainer& container : context.host.stranded) {
    findings.push_back(
        {fmt::format("container of process {}", container.process), Verdict::problem,
         fmt::format(
             "has no token at {}: the runtime directory that it came from was removed, as it is after the "
             "last logout without lingering",
             container.target),
         "recreate the container"});
  }
  return findings;
}

}  // namespace oci_oauth
