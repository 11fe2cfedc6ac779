// SPDX-License-Identifier: Apache-2.0
#include "base/fmt.h"
#include "doctor/checks.h"
#include "program/hint.h"

namespace oci_oauth {

namespace {

constexpr Milliseconds probe_bound = std::chrono::seconds(60);

Findings probe(const CheckContext& context, const Profile& profile) {
  const std::string check = fmt::format("login '{}'", profile.name);
  auto output = context.host.run({context.probe, context.config.path, profile.name}, probe_bound);
  if (!output) return {problem(check, output.error())};
  auto report = read_record<FindingsReport>(output->out, "findings");
  if (report) return std::move(report->findings);
  return {{check, Verdict::problem,
           fmt::format("{}: exit status {} without any findings", context.probe, output->status),
           incomplete_hint}};
}

}  // namespace

Findings check_logins(const CheckContext& context) {
  Findings findings;
  for (const Profile& profile : context.config.profiles) append(findings, probe(context, profile));
  return findings;
}

}  // namespace oci_oauth
