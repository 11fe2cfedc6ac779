// SPDX-License-Identifier: Apache-2.0
// oci-oauth sinks: delivers tokens to the sinks that lack them.
#include "command.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "sinks";

}  // namespace

Result<ExitCode> sinks(const Invocation& invocation) {
  const auto instance = TRY(Instance::open(invocation.config));
  const auto& names = invocation.arguments.operands;
  const auto profiles = TRY(find_profiles(verb, instance.config, names));
  const bool done = deliver_to_sinks(invocation.log, instance, profiles);
  update_metrics(invocation.log, instance.config);
  return done ? ExitCode::fine : ExitCode::failed;
}

}  // namespace oci_oauth
