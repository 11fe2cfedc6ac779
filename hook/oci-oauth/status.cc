// SPDX-License-Identifier: Apache-2.0
// oci-oauth status: a table for people, JSON for scripts, metrics for Prometheus. Never a secret.
#include <unistd.h>

#include "command.h"
#include "report/overview.h"

namespace oci_oauth {

Result<ExitCode> status(const Invocation& invocation) {
  const bool is_json = invocation.arguments.has("--json");
  const bool is_prometheus = invocation.arguments.has("--prometheus");
  const bool is_watched = invocation.arguments.has("--watch");
  if (is_json + is_prometheus + is_watched > 1)
    return usage_error(invocation.verb, "--json, --prometheus and --watch cannot be used together");
  if (is_watched && ::isatty(STDOUT_FILENO) == 0)
    return Error{ErrorKind::usage, "status: --watch needs a terminal, and stdout is not one",
                 "oci-oauth status"};
  const auto config = TRY(open_configuration(invocation.config));
  const auto draw = [&]() -> Result<std::string> {
    const Time time = now();
    const auto overview = TRY(look_over(config, time));
    if (is_json) return overview_json(overview);
    if (is_prometheus) return metrics_text(overview, time);
    return overview_text(overview, time, display_of(STDOUT_FILENO));
  };
  if (!is_watched) return print(invocation.log, TRY(draw()));
  TRY(watch({config.runtime_dir, config.runtime_dir + "/profiles", config.runtime_dir + "/containers"},
            draw));
  return ExitCode::fine;
}

}  // namespace oci_oauth
