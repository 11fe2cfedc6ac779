// SPDX-License-Identifier: Apache-2.0
// oci-oauth-runtime: replaces the OCI runtime for engines without a hook directory. It adds our hooks and
// environment to a chosen container's bundle, and then executes the real runtime by exec(3), so that
// arguments, environment, descriptors, signals and exit code are the same as without it.
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <exception>
#include <optional>

#include "base/command_output.h"
#include "base/file.h"
#include "base/fmt.h"
#include "base/process.h"
#include "base/time.h"
#include "config/scope.h"
#include "program/standard_options.h"
#include "wrapper/preparation.h"
#include "wrapper/real_runtime.h"

namespace oci_oauth {

namespace {

constexpr const char* program = "oci-oauth-runtime";
constexpr std::string_view help =
    "usage: oci-oauth-runtime ARGUMENT...\n\n"
    "prepares the bundle of a container that is about to be created, then runs runc or crun with the same "
    "arguments\n";
constexpr Milliseconds version_bound = std::chrono::seconds(10);
constexpr unsigned levels_below_prefix = 1;  // PREFIX/bin/oci-oauth-runtime

// Not PATH of the environment, which is that of the engine's caller.
const std::vector<std::string> search_path = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                              "/usr/bin",        "/sbin",          "/bin"};

// A rootless engine's environment belongs to its user, who gains nothing by changing it.
const char* callers_environment(const char* name) {
  return std::getenv(name);
}

// Result: nullopt if there is no configuration, or it cannot be used. Failure: the reason, if a profile may
// block.
Result<std::optional<Config>> load_configuration(const RuntimeCall& call, const Log& log) {
  const Scope scope = scope_of_caller();
  const bool rootless = scope == Scope::user;
  const std::string path = config_path(scope, callers_environment);
  if (path.empty()) return std::optional<Config>();
  auto config = load_config(path);
  if (!config) {
    const bool quiet = !call.creates() || (rootless && config.error().kind == ErrorKind::not_found);
    if (!quiet) log.write(Priority::warning, config.error());
    if (call.creates() && could_block(path, false)) return std::move(config).error();
    return std::optional<Config>();
  }
  if (config->runtime_dir.empty() && !rootless) config->runtime_dir = system_runtime_dir;
  return std::optional<Config>(std::move(*config));
}

Result<void> prepare(const Config& config, const RuntimeCall& call, const Log& log) {
  if (!call.creates() && call.verb != "exec") return {};
  auto prefix = TRY(installation_prefix(levels_below_prefix));
  const std::string hook_config = config.path == system_config ? "" : config.path;
  const Preparation preparation = {config, prefix, {hook_path(prefix), hook_config}, log};
  if (call.creates()) return prepare_creation(preparation, call);
  prepare_exec(preparation, call);
  return {};
}

// Where the engine reads a runtime's error message, in the format of runc and crun.
void tell_engine(const RuntimeCall& call, const std::string& message) {
  if (call.log.empty()) return;
  const auto file = open_file({.path = call.log}, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (!file) return;
  JsonDocument json;
  JsonValue line = json_object();
  json_set(json, line, "level", json_copy(json, "error"));
  json_set(json, line, "msg", json_copy(json, message));
  json_set(json, line, "time", json_copy(json, rfc3339(now())));
  const std::string text = call.log_is_json ? std::string(write_json(line).reveal())
                                            : fmt::format("time=\"{}\" level=error msg={}", rfc3339(now()),
                                                          write_json(json_copy(json, message)).reveal());
  (void)write_all(file->get(), text + "\n", call.log);
}

int refuse(const RuntimeCall& call, const Log& log, const Error& error) {
  log.write(Priority::error, error);
  Log::to_stderr(program).write(Priority::error, error);
  const std::string hint = error.hint.empty() ? "" : fmt::format("; hint: {}", error.hint);
  tell_engine(call, fmt::format("{}: {}{}", program, error.message, hint));
  return 1;
}

Result<std::string> real_runtime(const std::string& configured, const Log& log) {
  if (configured.empty()) return find_runtime(search_path);
  auto usable = check_runtime(configured);
  if (usable) return configured;
  log.write(Priority::warning,
            std::move(usable)
                .error()
                .in("the configured \"runtime\"")
                .with_hint("correct it in the configuration; until then runc or crun is used"));
  return find_runtime(search_path);
}

bool asks_for_version(int argc, char** argv) {
  return argc == 2 && argv[1] == std::string_view("--version");
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
  const bool versions = asks_for_version(argc, argv);
  if (!versions) {
    if (const auto answered = answer_standard_options(argc, argv, program, help)) return *answered;
  }
  const Log log = Log::to_syslog(program);
  const RuntimeCall call = parse_runtime_call({argv + (argc > 0), argv + argc});
  const auto loaded = load_configuration(call, log);
  if (!loaded) return refuse(call, log, loaded.error());
  const std::optional<Config>& config = *loaded;
  if (config) {
    if (auto prepared = prepare(*config, call, log); !prepared) return refuse(call, log, prepared.error());
  }
  const auto runtime = real_runtime(config ? config->runtime : "", log);
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
  try {
    return oci_oauth::run(argc, argv);
  } catch (const std::exception& error) {
    const std::string line = fmt::format("{}: error: {}\n", oci_oauth::program, error.what());
    (void)oci_oauth::write_all(STDERR_FILENO, line, "stderr");
    return 1;
  }
}
