// SPDX-License-Identifier: Apache-2.0
// oci-oauth status: a table for people, JSON for scripts, metrics for Prometheus. Never a secret.
#include <unistd.h>

#include "base/fmt.h"
#include "command.h"
#include "report/overview.h"
#include "report/terminal.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "status";

enum class Form { table, json, prometheus, watch };

Result<Form> parse(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  Form form = Form::table;
  unsigned given = 0;
  for (const auto& [option, meaning] :
       {std::pair{"--json", Form::json}, std::pair{"--prometheus", Form::prometheus},
        std::pair{"--watch", Form::watch}}) {
    if (!arguments.has(option)) continue;
    form = meaning;
    ++given;
  }
  const auto& rest = arguments.operands;
  if (!rest.empty()) return usage_error(verb, fmt::format("unknown argument '{}'", rest.front()));
  if (given > 1) return usage_error(verb, "--json, --prometheus and --watch cannot be used together");
  if (form == Form::watch && ::isatty(STDOUT_FILENO) == 0) {
    return Error{ErrorKind::usage, "status: --watch needs a terminal, and stdout is not one",
                 "oci-oauth status"};
  }
  return form;
}

Result<std::string> written(const Config& config, Form form) {
  const Time time = now();
  auto overview = TRY(look_over(config, time));
  switch (form) {
    case Form::json:
      return overview_json(overview);
    case Form::prometheus:
      return metrics_text(overview, time);
    case Form::table:
    case Form::watch:
      break;
  }
  return overview_text(overview, time, display_of(STDOUT_FILENO));
}

}  // namespace

Result<ExitCode> status(const Invocation& invocation) {
  const auto form = TRY(parse(invocation));
  const auto config = TRY(open_configuration(invocation.config));
  if (form == Form::watch) {
    TRY(watch({config.runtime_dir, config.runtime_dir + "/profiles", config.runtime_dir + "/containers"},
              [&] { return written(config, Form::watch); }));
    return ExitCode::fine;
  }
  return print(invocation.log, TRY(written(config, form)));
}

}  // namespace oci_oauth
