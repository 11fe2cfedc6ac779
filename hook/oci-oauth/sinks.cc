// SPDX-License-Identifier: Apache-2.0
// oci-oauth sinks: delivers tokens to the sinks that lack them.
#include "command.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "sinks";

}  // namespace

ExitCode sinks(const Invocation& invocation) {
  const auto workplace = open_workplace(invocation);
  if (!workplace) return report(invocation.log, workplace.error());
  const auto& names = invocation.arguments.operands;
  const auto profiles = find_profiles(verb, workplace->config, names);
  if (!profiles) return report(invocation.log, profiles.error());
  const bool fed = feed_sinks(invocation.log, *workplace, *profiles);
  update_metrics(invocation.log, workplace->config);
  return fed ? ExitCode::fine : ExitCode::failed;
}

}  // namespace oci_oauth
