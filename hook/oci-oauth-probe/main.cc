// SPDX-License-Identifier: Apache-2.0
// oci-oauth-probe CONFIG PROFILE: examines a login and its endpoint for `oci-oauth doctor`. Becomes the
// login's owner irrevocably before it looks at either, sends no token, changes nothing, and prints its
// findings as JSON.
#include <unistd.h>

#include <exception>

#include "base/file.h"
#include "base/process.h"
#include "config/provider.h"
#include "probe/login_findings.h"
#include "program/installed_programs.h"
#include "program/log.h"
#include "program/standard_options.h"
#include "worker/login_owner.h"

namespace oci_oauth {

namespace {

Result<void> become_owner(const Profile& profile, const Provider& provider) {
  if (!is_host_root()) return {};
  const auto owner = owner_of(profile);
  if (!owner) return Error(owner.error()).with_hint(hint_to_log_in(profile, provider));
  return become(*owner);
}

Findings examine(const std::string& config_path, const std::string& name) {
  const std::string check = "login '" + name + "'";
  const auto config = load_config(config_path);
  if (!config) return {problem(check, config.error())};
  const Profile* const profile = config->find(name);
  if (profile == nullptr) return {{check, Verdict::problem, config_path + ": has no such profile"}};
  const auto prefix = installation_prefix(levels_of_helper);
  const auto provider = load_provider(*profile, provider_directories(prefix ? *prefix : "/usr"));
  if (!provider) return {problem(check, provider.error())};
  if (profile->in_fleet) return {};  // it is in the fleet's store
  if (auto become = become_owner(*profile, *provider); !become) return {problem(check, become.error())};
  if (profile->source) return {examine_command(*profile)};
  Findings findings = examine_login(*profile, *provider, now());
  append(findings, examine_locks(*profile, *provider, now()));
  findings.push_back(examine_endpoint(*profile, *provider, now(),
                                      [](const HttpRequest& request) { return send_request(request); }));
  return findings;
}

}  // namespace

}  // namespace oci_oauth

int main(int argc, char** argv) {
  using namespace oci_oauth;
  constexpr auto help =
      "usage: oci-oauth-probe CONFIG PROFILE\n\nexamines a login for 'oci-oauth doctor', which starts it\n";
  if (const auto answered = answer_standard_options(argc, argv, "oci-oauth-probe", help)) return *answered;
  try {
    keep_memory_private();
    if (const auto given = check_operands(argc, argv, 2); !given)
      return static_cast<int>(report(Log::to_stderr("oci-oauth-probe"), given.error()));
    const Findings findings = examine(argv[1], argv[2]);
    const Secret text = write_record(FindingsReport{worst(findings), findings});
    return write_all(STDOUT_FILENO, text.reveal(), "stdout") ? 0 : 1;
  } catch (const std::exception&) {
    return 1;
  }
}
