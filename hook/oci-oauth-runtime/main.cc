// SPDX-License-Identifier: Apache-2.0
// oci-oauth-runtime: replaces the OCI runtime for engines without a hook directory. It adds our hooks and
// environment to a chosen container's bundle, and then executes the real runtime by exec(3), so that
// arguments, environment, descriptors, signals and exit code are the same as without it.
#include <unistd.h>

#include <cerrno>
#include <exception>

#include "base/file.h"
#include "base/fmt.h"
#include "base/process.h"
#include "base/spawn.h"
#include "base/time.h"
#include "program/standard_options.h"
#include "wrapper/preparation.h"

namespace oci_oauth {

namespace {

constexpr const char* program = "oci-oauth-runtime";
constexpr std::string_view help =
    "usage: oci-oauth-runtime ARGUMENT...\n\n"
    "prepares the bundle of a container that is about to be created, then runs runc or crun with the same "
    "arguments\n";
constexpr Milliseconds version_bound = std::chrono::seconds(10);

// Not PATH of the environment, which is that of the engine's caller.
const std::vector<std::string> search_path = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                              "/usr/bin",        "/sbin",          "/bin"};

int refuse(const RuntimeCall& call, const Log& log, const Error& error) {
  log.write(Priority::error, error);
  Log::to_stderr(program).write(Priority::error, error);
  const std::string hint = error.hint.empty() ? "" : fmt::format("; hint: {}", error.hint);
  write_engine_log(call, fmt::format("{}: {}{}", program, error.message, hint));
  return 1;
}

// First the real runtime's answer, which engines parse, and then ours.
int tell_versions(int argc, char** argv, const Result<std::string>& runtime) {
  if (runtime) {
    const auto output = run_command({*runtime, "--version"}, version_bound);
    if (!output) {
      Log::to_stderr(program).write(Priority::error, output.error());
      return 1;
    }
    (void)write_all(STDERR_FILENO, output->err, "stderr");
    if (!write_all(STDOUT_FILENO, output->out, "stdout")) return 1;
    if (output->status != 0) return output->status;
  }
  return answer_standard_options(argc, argv, program, help).value_or(1);
}

int run(int argc, char** argv) {
  const bool versions = argc == 2 && argv[1] == std::string_view("--version");
  if (!versions) {
    if (const auto answered = answer_standard_options(argc, argv, program, help)) return *answered;
  }
  const Log log = Log::to_syslog(program);
  const RuntimeCall call = parse_runtime_call({argv + (argc > 0), argv + argc});
  const auto configured = prepare_call(call, log);
  if (!configured) return refuse(call, log, configured.error());
  const auto runtime = choose_runtime(*configured, search_path, log);
  if (versions) return tell_versions(argc, argv, runtime);
  if (!runtime) return refuse(call, log, runtime.error());
  std::vector<char*> words(argv, argv + argc + 1);
  if (argc > 0) words[0] = const_cast<char*>(runtime->c_str());
  ::execv(runtime->c_str(), words.data());
  return refuse(call, log, Error::from_errno(errno, *runtime));
}

}  // namespace

}  // namespace oci_oauth

int main(int argc, char** argv) {
  using namespace oci_oauth;
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    Log::to_stderr(program).write(Priority::error, error.what());
    return 1;
  }
}
