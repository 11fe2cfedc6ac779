// SPDX-License-Identifier: Apache-2.0
#include "hook/hook_call.h"

#include <sys/stat.h>
#include <unistd.h>

#include "config/scope.h"

namespace oci_oauth {

namespace {

Error usage(std::string message) {
  return {ErrorKind::usage, std::move(message), std::string(hook_synopsis)};
}

std::optional<Stage> stage_of(std::string_view word) {
  if (word == "createRuntime" || word == "prestart") return Stage::create_runtime;
  if (word == "poststop") return Stage::poststop;
  if (word == "precreate") return Stage::precreate;
  return std::nullopt;
}

// A hook file applies to the whole system, so the hook also runs for rootless users' containers, which must
// not use somebody else's configuration.
bool is_for_caller(const std::string& config) {
  struct stat status;
  return ::stat(config.c_str(), &status) != 0 || status.st_uid == ::geteuid();
}

}  // namespace

Result<HookArguments> parse_hook_arguments(const std::vector<std::string_view>& words) {
  HookArguments arguments;
  size_t next = 0;
  for (; next < words.size() && (words[next] == "--config" || words[next] == "--profile"); next += 2) {
    if (next + 1 == words.size()) return usage(fmt::format("option '{}' needs a value", words[next]));
    if (words[next] == "--config") {
      arguments.config = words[next + 1];
    } else {
      arguments.profiles.emplace_back(words[next + 1]);
    }
  }
  if (next == words.size()) return usage("no stage given");
  const auto stage = stage_of(words[next]);
  if (!stage) {
    return usage(
        fmt::format("unknown {} '{}'", words[next].starts_with('-') ? "option" : "stage", words[next]));
  }
  if (next + 1 != words.size()) return usage(fmt::format("unknown argument '{}'", words[next + 1]));
  if (!arguments.config.empty() && !arguments.config.starts_with('/'))
    return usage(fmt::format("'{}' is not an absolute path", arguments.config));
  arguments.stage = *stage;
  return arguments;
}

Result<std::optional<Config>> load_hook_config(const HookArguments& arguments, bool is_host_root,
                                               const Log& log) {
  const bool is_rootless = !is_host_root && scope_of_caller() == Scope::user;
  const std::string path = arguments.config.empty() ? system_config : arguments.config;
  if (is_rootless && (arguments.config.empty() || !is_for_caller(path))) return std::optional<Config>();
  auto config = load_config(path);
  if (!config) {
    log.write(Priority::error, config.error());
    if (could_block(path, !arguments.profiles.empty())) return std::move(config).error();
    return std::optional<Config>();
  }
  if (config->runtime_dir.empty() && is_rootless) {
    log.write(Priority::error,
              fmt::format("{}: /runtime_dir: is missing, and a hook does not see XDG_RUNTIME_DIR", path),
              "set it to what 'echo $XDG_RUNTIME_DIR/oci-oauth' prints for the user");
    return std::optional<Config>();
  }
  if (config->runtime_dir.empty()) config->runtime_dir = system_runtime_dir;
  return std::optional<Config>(std::move(*config));
}

}  // namespace oci_oauth
