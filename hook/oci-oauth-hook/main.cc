// SPDX-License-Identifier: Apache-2.0
// oci-oauth-hook: the OCI hook. Exits 0 unless a profile with on_failure "block" could not be delivered.
#include <unistd.h>

#include <exception>

#include "base/file.h"
#include "base/fmt.h"
#include "base/process.h"
#include "hook/creation.h"
#include "hook/hook_call.h"
#include "hook/inherited.h"
#include "oci/spec.h"
#include "program/hint.h"
#include "program/standard_options.h"

namespace oci_oauth {

namespace {

constexpr const char* program = "oci-oauth-hook";
constexpr std::string_view purpose =
    "puts access tokens into a container; container runtimes run it with the container's state on stdin";

// Engines show what a failed hook wrote to stderr.
int fail(const Error& error) {
  reset_for_output();
  Log::to_stderr(program).write(Priority::error, error);
  return 1;
}

int misuse(const Error& error, const Log& log) {
  log.write(Priority::error, error);
  (void)fail(error);
  return 0;
}

// The engine reads the answer in any case, so there is always one: at worst, its own input.
int run_precreate(const Result<std::string>& input, const Config* config, const HookArguments& arguments,
                  const Log& log) {
  if (!input) return fail(input.error());
  reset_for_output();
  const auto written = write_all(
      STDOUT_FILENO, config ? precreate(*input, *config, arguments.profiles, log) : *input, "stdout");
  return written ? 0 : fail(written.error());
}

int run_stage(const HookArguments& arguments, const Result<std::string>& input, const Log& log) {
  const bool is_root = is_host_root();
  if (!arguments.config.empty() && arguments.config != system_config) name_configuration(arguments.config);
  const auto loaded = load_hook_config(arguments, is_root, log);
  const Config* config = loaded && *loaded ? &**loaded : nullptr;
  if (arguments.stage == Stage::precreate) return run_precreate(input, config, arguments, log);
  if (!loaded && arguments.stage == Stage::create_runtime) return fail(loaded.error());
  if (!config) return 0;
  auto state = input ? parse_state(*input) : Result<ContainerState>(input.error());
  if (!state) {
    log.write(Priority::error, std::move(state).error().with_hint(
                                   "container runtimes run this, with the state of a container on stdin"));
    return 0;
  }
  const HookCall call = {*config, arguments.profiles, *state, log, is_root};
  if (arguments.stage == Stage::poststop) {
    poststop(call);
    return 0;
  }
  Creation creation(call);
  const auto verdict = create_runtime(creation);
  // The kernel closes what is open at less cost.
  ::_exit(verdict ? 0 : fail(verdict.error()));
}

int run(int argc, char** argv) {
  reset_for_reading();
  const std::string help = argc == 2 ? fmt::format("usage: {}\n\n{}\n", hook_synopsis, purpose) : "";
  if (const auto answered = answer_standard_options(argc, argv, program, help)) return *answered;
  const Log log = Log::to_syslog(program);
  const auto arguments = parse_hook_arguments({argv + (argc > 0), argv + argc});
  if (!arguments && ::isatty(STDIN_FILENO) == 1) return misuse(arguments.error(), log);
  const bool reads_spec = arguments && arguments->stage == Stage::precreate;
  // Always, because crun before 1.17 fails the container if a hook does not read its stdin.
  const auto input = reads_spec ? read_to_end(STDIN_FILENO, spec_limit, "config.json")
                                : read_to_end(STDIN_FILENO, state_limit, "state");
  return arguments ? run_stage(*arguments, input, log) : misuse(arguments.error(), log);
}

}  // namespace

}  // namespace oci_oauth

int main(int argc, char** argv) {
  try {
    return oci_oauth::run(argc, argv);
  } catch (const std::exception& error) {
    // Usually out of memory, which must not make a container fail.
    oci_oauth::Log::to_syslog(oci_oauth::program).write(oci_oauth::Priority::error, error.what());
    return 0;
  }
}
