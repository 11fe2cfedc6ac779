// SPDX-License-Identifier: Apache-2.0
// oci-oauth-hook: the OCI hook. It does not trust its caller, and sets up its own environment, descriptors,
// directory and umask before it reads anything. Exits 0 unless a profile with on_failure "block" could not be
// delivered.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>

#include "base/file.h"
#include "base/fmt.h"
#include "base/process.h"
#include "base/size.h"
#include "config/scope.h"
#include "hook/create_runtime.h"
#include "hook/poststop.h"
#include "hook/precreate.h"
#include "program/standard_options.h"

namespace oci_oauth {

namespace {

constexpr const char* program = "oci-oauth-hook";
constexpr const char* synopsis =
    "oci-oauth-hook [--config FILE] [--profile NAME]... precreate|createRuntime|prestart|poststop";
constexpr std::string_view purpose =
    "puts access tokens into a container; container runtimes run it with the container's state on stdin";
constexpr size_t state_limit = MiB;
constexpr size_t spec_limit = 16 * MiB;

// Limits that the caller may have lowered and we can raise again.
void raise_limits() {
  for (const __rlimit_resource resource : {RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_AS, RLIMIT_DATA, RLIMIT_CPU}) {
    rlimit limit;
    if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == limit.rlim_max) continue;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(resource, &limit);
  }
}

void leave_the_callers_world() {
  for (int fd = 0; fd < 3; ++fd) {
    // Replaces a standard stream that the caller closed, so it is inherited like one.
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
      (void)::open("/dev/null", O_RDWR);  // NOLINT(android-cloexec-open)
    }
  }
  ::close_range(3, ~0U, 0);
  ::clearenv();
  ::umask(022);
  [[maybe_unused]] const int done = ::chdir("/");
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
  ::alarm(0);  // outlives execve(2)
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  raise_limits();
  keep_memory_private();
}

enum class Stage { precreate, create_runtime, poststop };

struct Arguments {
  std::string config;
  std::vector<std::string> profiles;
  Stage stage = Stage::create_runtime;
};

Result<Arguments> parse_arguments(int argc, char** argv) {
  const auto usage = [](std::string message) {
    return Error{ErrorKind::usage, std::move(message), synopsis};
  };
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--config" || word == "--profile") {
      if (++i == argc) return usage(fmt::format("option '{}' needs a value", word));
      if (word == "--profile") {
        arguments.profiles.emplace_back(argv[i]);
      } else {
        arguments.config = argv[i];
      }
      continue;
    }
    if (i + 1 != argc) return usage(fmt::format("unknown argument '{}'", word));
    if (word == "precreate") {
      arguments.stage = Stage::precreate;
    } else if (word == "poststop") {
      arguments.stage = Stage::poststop;
    } else if (word != "createRuntime" && word != "prestart") {
      return usage(fmt::format("unknown stage '{}'", word));
    }
    if (!arguments.config.empty() && !arguments.config.starts_with('/')) {
      return usage(fmt::format("'{}' is not an absolute path", arguments.config));
    }
    return arguments;
  }
  return usage("no stage given");
}

// A hook file applies to the whole system, so the hook also runs for rootless users' containers, which must
// not use somebody else's configuration.
bool is_for_us(const std::string& config) {
  struct stat status;
  return ::stat(config.c_str(), &status) != 0 || status.st_uid == ::geteuid();
}

// Result: nullopt if there is nothing to do, or the problem has been logged. Failure: the problem, if a
// profile may block.
Result<std::optional<Config>> load_configuration(const Arguments& arguments, const Log& log) {
  const bool rootless = scope_of_caller() == Scope::user;
  const std::string path = arguments.config.empty() ? system_config : arguments.config;
  if (rootless && (arguments.config.empty() || !is_for_us(path))) return std::optional<Config>();
  auto config = load_config(path);
  if (!config) {
    log.write(Priority::error, config.error());
    if (could_block(path, !arguments.profiles.empty())) return std::move(config).error();
    return std::optional<Config>();
  }
  if (config->runtime_dir.empty() && rootless) {
    log.write(Priority::error,
              fmt::format("{}: /runtime_dir: is missing, and a hook does not see XDG_RUNTIME_DIR", path),
              fmt::format("set it to \"/run/user/{}/oci-oauth\"", ::geteuid()));
    return std::optional<Config>();
  }
  if (config->runtime_dir.empty()) config->runtime_dir = system_runtime_dir;
  return std::optional<Config>(std::move(*config));
}

// Engines show what a failed hook wrote to stderr.
int fail(const Error& error) {
  Log::to_stderr(program).write(Priority::error, error);
  return 1;
}

// The engine reads the answer in any case, so there is always one: at worst, its own input.
int run_precreate(const Result<std::string>& input, const std::optional<Config>& config,
                  const Arguments& arguments, const Log& log) {
  if (!input) return fail(input.error());
  const auto written = write_all(
      STDOUT_FILENO, config ? precreate(*input, *config, arguments.profiles, log) : *input, "stdout");
  return written ? 0 : fail(written.error());
}

int run(int argc, char** argv) {
  leave_the_callers_world();
  const std::string help = fmt::format("usage: {}\n\n{}\n", synopsis, purpose);
  if (const auto answered = answer_standard_options(argc, argv, program, help)) return *answered;
  const Log log = Log::to_syslog(program);
  const auto arguments = parse_arguments(argc, argv);
  const bool reads_spec = arguments && arguments->stage == Stage::precreate;
  // Always, because crun before 1.17 fails the container if a hook does not read its stdin.
  const auto input = reads_spec ? read_to_end(STDIN_FILENO, spec_limit, "config.json")
                                : read_to_end(STDIN_FILENO, state_limit, "state");
  if (!arguments) {
    log.write(Priority::error, arguments.error());
    Log::to_stderr(program).write(Priority::error, arguments.error());
    return 0;
  }
  const auto loaded = load_configuration(*arguments, log);
  const std::optional<Config> config = loaded ? *loaded : std::nullopt;
  if (arguments->stage == Stage::precreate) return run_precreate(input, config, *arguments, log);
  if (!loaded && arguments->stage == Stage::create_runtime) return fail(loaded.error());
  if (!config) return 0;
  auto state = input ? parse_state(*input) : Result<ContainerState>(input.error());
  if (!state) {
    log.write(Priority::error, std::move(state).error().with_hint(
                                   "container runtimes run this, with the state of a container on stdin"));
    return 0;
  }
  const HookCall call = {*config, arguments->profiles, *state, log};
  if (arguments->stage == Stage::poststop) {
    poststop(call);
    return 0;
  }
  const auto created = create_runtime(call);
  return created ? 0 : fail(created.error());
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
