// SPDX-License-Identifier: Apache-2.0
#include "command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "base/file.h"
#include "base/process.h"
#include "refresh/sinks.h"
#include "report/metrics.h"
#include "token/provider.h"

namespace oci_oauth {

namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string default_config_path() {
  if (std::string path = from_environment("OCI_OAUTH_CONFIG"); !path.empty()) return path;
  if (::geteuid() == 0) return "/etc/oci-oauth/config.json";
  const std::string base = from_environment("XDG_CONFIG_HOME");
  return (base.empty() ? from_environment("HOME") + "/.config" : base) + "/oci-oauth/config.json";
}

Result<std::string> default_runtime_dir() {
  if (::geteuid() == 0) return std::string("/run/oci-oauth");
  const std::string base = from_environment("XDG_RUNTIME_DIR");
  if (base.starts_with('/')) return base + "/oci-oauth";
  return Error{ErrorKind::configuration, "no runtime_dir is configured and XDG_RUNTIME_DIR is not set",
               "set \"runtime_dir\" in the configuration"};
}

}  // namespace

Result<Config> open_configuration(const Invocation& invocation) {
  auto config = load_config(invocation.config.empty() ? default_config_path() : invocation.config);
  if (!config) {
    if (config.error().kind == ErrorKind::not_found) config.error().kind = ErrorKind::configuration;
    return config;
  }
  if (config->runtime_dir.empty()) {
    auto runtime_dir = default_runtime_dir();
    if (!runtime_dir) return std::move(runtime_dir).error();
    config->runtime_dir = std::move(*runtime_dir);
  }
  return config;
}

Result<InstalledTree> InstalledTree::find() {
  auto prefix = installation_prefix(1);
  if (!prefix) return std::move(prefix).error();
  return InstalledTree{std::move(*prefix)};
}

std::string InstalledTree::helper(std::string_view name) const {
  return fmt::format("{}/libexec/oci-oauth/{}", prefix, name);
}

Result<Workplace> open_workplace(const Invocation& invocation) {
  auto installation = InstalledTree::find();
  if (!installation) return std::move(installation).error();
  auto config = open_configuration(invocation);
  if (!config) return std::move(config).error();
  auto runtime = RuntimeDir::open(config->runtime_dir);
  if (!runtime) return std::move(runtime).error();
  return Workplace{std::move(*installation), std::move(*config), std::move(*runtime)};
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
    auto profile = find_profile(verb, config, name);
    if (!profile) return std::move(profile).error();
    profiles.push_back(*profile);
  }
  if (profiles.empty()) {
    for (const Profile& profile : config.profiles) profiles.push_back(&profile);
  }
  return profiles;
}

}  // namespace oci_oauth
