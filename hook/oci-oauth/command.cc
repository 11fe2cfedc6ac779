// SPDX-License-Identifier: Apache-2.0
#include "command.h"

#include <unistd.h>

#include "base/file.h"
#include "base/fmt.h"

namespace oci_oauth {

namespace {

Result<const Profile*> find_profile(const Invocation& invocation, const Config& config,
                                    std::string_view name) {
  if (const Profile* profile = config.find(name)) return profile;
  return usage_error(invocation.verb, fmt::format("no profile '{}' in {}", name, config.path));
}

}  // namespace

Progress progress_of(const Invocation& invocation) {
  return {STDERR_FILENO, fmt::format("oci-oauth: {}", invocation.verb),
          invocation.arguments.has("--quiet") ? Quiet::yes : Quiet::no};
}

ExitCode print(const Log& log, std::string_view text) {
  const auto written = write_all(STDOUT_FILENO, text, "stdout");
  return written ? ExitCode::fine : report(log, written.error());
}

Result<const Profile*> find_one_profile(const Invocation& invocation, const Config& config) {
  const auto& names = invocation.arguments.operands;
  if (names.size() == 1) return find_profile(invocation, config, names.front());
  return usage_error(invocation.verb, "needs the name of one profile");
}

Result<std::vector<const Profile*>> find_profiles(const Invocation& invocation, const Config& config,
                                                  std::span<const std::string> names) {
  std::vector<const Profile*> profiles;
  for (const std::string& name : names) profiles.push_back(TRY(find_profile(invocation, config, name)));
  if (!names.empty()) return profiles;
  for (const Profile& profile : config.profiles) profiles.push_back(&profile);
  return profiles;
}

}  // namespace oci_oauth
