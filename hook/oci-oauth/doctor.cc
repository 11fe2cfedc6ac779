// SPDX-License-Identifier: Apache-2.0
// oci-oauth doctor: checks everything on a token's way, and names what fixes each problem.
#include <unistd.h>

#include "base/fmt.h"
#include "base/process.h"
#include "command.h"
#include "config/provider.h"
#include "doctor/checks.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "doctor";

// In the order of a token's way, because an early problem explains later ones.
constexpr Findings (*checks[])(const CheckContext&) = {
    check_configuration, check_providers, check_logins, check_runtime_directory,
    check_engines,       check_units,     check_kernel};

struct DoctorArguments {
  bool json = false, with_container = false;
};

Result<DoctorArguments> parse(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  DoctorArguments parsed;
  parsed.json = arguments.has("--json");
  parsed.with_container = arguments.has("--try");
  const auto& rest = arguments.operands;
  if (!rest.empty()) return usage_error(verb, fmt::format("unknown argument '{}'", rest.front()));
  return parsed;
}

Findings examine(const Config& config, bool with_container) {
  const auto programs = InstalledPrograms::find();
  if (!programs) return {problem("installation", programs.error())};
  const CheckContext context = {config, provider_directories(programs->prefix),
                                programs->helper("oci-oauth-probe")};
  Findings findings;
  for (const auto check : checks) append(findings, check(context));
  if (with_container) append(findings, try_container(context));
  return findings;
}

}  // namespace

ExitCode doctor(const Invocation& invocation) {
  const auto parsed = parse(invocation);
  if (!parsed) return report(invocation.log, parsed.error());
  const auto config = open_configuration(invocation.config);
  // Without a configuration, nothing else can be checked.
  const Findings findings =
      config ? examine(*config, parsed->with_container) : Findings{problem("configuration", config.error())};
  const ExitCode printed =
      print(invocation.log,
            parsed->json ? findings_json(findings) : findings_text(findings, colour_of(STDOUT_FILENO)));
  return printed == ExitCode::fine && worst(findings) == Verdict::problem ? ExitCode::failed : printed;
}

}  // namespace oci_oauth
