// SPDX-License-Identifier: Apache-2.0
// oci-oauth doctor: checks everything on a token's way, and names what fixes each problem.
#include <unistd.h>

#include "base/fmt.h"
#include "command.h"
#include "config/provider.h"
#include "doctor/checks.h"

namespace oci_oauth {

namespace {

// In the order of a token's way, because an early problem explains later ones.
struct Check {
  std::string_view subject;
  Findings (*run)(const CheckContext&);
};
constexpr Check checks[] = {{"the configuration", check_configuration},
                            {"the providers", check_providers},
                            {"the logins and their token endpoints", check_logins},
                            {"the fleet", check_fleet},
                            {"the runtime directory", check_runtime_directory},
                            {"the engines", check_engines},
                            {"the units", check_units},
                            {"the kernel", check_kernel}};

FleetView view_of_fleet(const InstalledPrograms& programs, const Config& config, const Profile& profile) {
  FleetView view;
  auto report = look_at_fleet(programs, config, profile);
  if (!report) {
    view.failure = std::move(report).error();
  } else {
    if (report->failure) view.failure = to_error(*report->failure);
    if (report->fleet) view.status = std::move(*report->fleet);
  }
  const auto runtime = RuntimeDir::open_existing(config.runtime_dir);
  if (!runtime || !*runtime) return view;
  const auto history = (*runtime)->history(profile.name);
  if (history && *history) view.here = (*history)->fleet;
  if (auto follower = (*runtime)->follower()) view.follower = std::move(*follower);
  return view;
}

Findings examine(const Config& config, const Invocation& invocation) {
  const auto programs = InstalledPrograms::find();
  if (!programs) return {problem("installation", programs.error())};
  Progress progress = progress_of(invocation);
  const bool with_container = invocation.arguments.has("--try");
  const CheckContext context = {
      config,
      provider_directories(programs->prefix),
      programs->helper("oci-oauth-probe"),
      view_of_this_host(config.runtime_dir),
      [&](std::string_view what) {
        // Without a container it is done before anybody waits.
        if (with_container) progress.step(what);
      },
      [&](const Profile& profile) { return view_of_fleet(*programs, config, profile); }};
  Findings findings;
  for (const auto& [subject, run] : checks) {
    context.step(fmt::format("checking {}", subject));
    append(findings, run(context));
  }
  if (with_container) append(findings, try_container(context));
  return findings;
}

}  // namespace

Result<ExitCode> doctor(const Invocation& invocation) {
  const auto config = open_configuration(invocation.config);
  // Without a configuration, nothing else can be checked.
  const Findings findings =
      config ? examine(*config, invocation) : Findings{problem("configuration", config.error())};
  const ExitCode printed = print(invocation.log, invocation.arguments.has("--json")
                                                     ? findings_json(findings)
                                                     : findings_text(findings, display_of(STDOUT_FILENO)));
  return printed == ExitCode::fine && worst(findings) == Verdict::problem ? ExitCode::failed : printed;
}

}  // namespace oci_oauth
