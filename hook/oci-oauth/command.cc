// SPDX-License-Identifier: Apache-2.0
#include "command.h"

#include <unistd.h>

#include <cstdlib>

#include "base/file.h"
#include "base/fmt.h"
#include "base/process.h"
#include "config/provider.h"
#include "config/scope.h"
#include "program/installation.h"
#include "report/metrics.h"
#include "sinks/sinks.h"

namespace oci_oauth {

namespace {

const char* own_environment(const char* name) {
  return std::getenv(name);
}

Result<std::string> find_config() {
  const char* named = std::getenv("OCI_OAUTH_CONFIG");
  if (named != nullptr && *named != '\0') return std::string(named);
  std::string path = config_path(scope_of_caller(), own_environment);
  if (!path.empty()) return path;
  return Error{ErrorKind::configuration, "neither XDG_CONFIG_HOME nor HOME names a directory",
               "name the configuration with --config FILE"};
}

Result<std::string> find_runtime_dir() {
  std::string path = default_runtime_dir(scope_of_caller(), own_environment);
  if (!path.empty()) return path;
  return Error{ErrorKind::configuration, "no runtime_dir is configured and XDG_RUNTIME_DIR is not set",
               "set \"runtime_dir\" in the configuration"};
}

}  // namespace

Result<Config> open_configuration(const Invocation& invocation) {
  auto path = TRY(invocation.config.empty() ? find_config() : Result<std::string>(invocation.config));
  auto config = load_config(path);
  if (!config) {
    if (config.error().kind == ErrorKind::not_found) config.error().kind = ErrorKind::configuration;
    return config;
  }
  if (config->runtime_dir.empty()) {
    config->runtime_dir = TRY(find_runtime_dir());
  }
  return config;
}

Result<InstalledTree> InstalledTree::find() {
  auto prefix = TRY(installation_prefix(levels_of_command));
  return InstalledTree{std::move(prefix)};
}

std::string InstalledTree::helper(std::string_view name) const {
  return fmt::format("{}/libexec/oci-oauth/{}", prefix, name);
}

Result<Workplace> open_workplace(const Invocation& invocation) {
  auto installation = TRY(InstalledTree::find());
  auto config = TRY(open_configuration(invocation));
  auto runtime = TRY(RuntimeDir::open(config.runtime_dir));
  return Workplace{std::move(installation), std::move(config), std::move(runtime)};
}

Refresher refresher_of(const Workplace& workplace, const std::string& exchange_socket) {
  const InstalledTree& installation = workplace.installation;
  return {workplace.runtime,
          provider_directories(installation.prefix),
          {installation.helper("oci-oauth-exchange"), exchange_socket}};
}

bool feed_sinks(const Log& log, const Workplace& workplace, const std::vector<const Profile*>& profiles) {
  const SinkRunner runner = {workplace.config, workplace.runtime,
                             workplace.installation.helper("oci-oauth-onecli"), std::getenv};
  bool all_done = true;
  for (const Profile* profile : profiles) {
    for (const SinkOutcome& outcome : run_sinks(runner, *profile)) {
      const std::string context = fmt::format("'{}': sink '{}'", profile->name, outcome.sink);
      if (!outcome.notice.empty())
        log.write(Priority::warning, fmt::format("{}: {}", context, outcome.notice));
      if (outcome.done) {
        log.write(Priority::info, fmt::format("{}: has the token", context));
      } else {
        log.write(Priority::warning, Error(outcome.done.error()).in(context));
        all_done = false;
      }
    }
  }
  forget_removed_sinks(workplace.config, workplace.runtime);
  return all_done;
}

void update_metrics(const Log& log, const Config& config) {
  if (auto done = write_metrics_file(config, now()); !done) log.write(Priority::warning, done.error());
}

ExitCode report(const Log& log, const Error& error) {
  log.write(Priority::error, error);
  return exit_code(error.kind);
}

ExitCode print(const Log& log, std::string_view text) {
  const auto written = write_all(STDOUT_FILENO, text, "stdout");
  return written ? ExitCode::fine : report(log, written.error());
}

Result<const Profile*> find_profile(std::string_view verb, const Config& config, std::string_view name) {
  if (const Profile* profile = config.find(name)) return profile;
  return usage_error(verb, fmt::format("no profile '{}' in {}", name, config.path));
}

Result<std::vector<const Profile*>> find_profiles(std::string_view verb, const Config& config,
                                                  const std::vector<std::string>& names) {
  std::vector<const Profile*> profiles;
  for (const std::string& name : names) {
    auto profile = TRY(find_profile(verb, config, name));
    profiles.push_back(profile);
  }
  if (profiles.empty()) {
    for (const Profile& profile : config.profiles) profiles.push_back(&profile);
  }
  return profiles;
}

}  // namespace oci_oauth
