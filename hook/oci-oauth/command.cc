// SPDX-License-Identifier: Apache-2.0
#include "command.h"

#include <unistd.h>

#include "base/environment.h"
#include "base/file.h"
#include "base/fmt.h"
#include "report/overview.h"
#include "sinks/sinks.h"

namespace oci_oauth {

bool deliver_to_sinks(const Log& log, const Instance& instance, const std::vector<const Profile*>& profiles) {
  const SinkRunner runner = {instance.config, instance.runtime, instance.programs.helper("oci-oauth-onecli"),
                             own_environment};
  bool all_done = true;
  for (const Profile* profile : profiles) {
    for (const SinkOutcome& outcome : run_sinks(runner, *profile)) {
      const std::string context = fmt::format("'{}': sink '{}'", profile->name, outcome.sink);
      if (!outcome.notice.empty())
        log.write(Priority::warning, fmt::format("{}: {}", context, outcome.notice));
      if (outcome.done) {
        log.write(Priority::info, fmt::format("{}: has the token", context));
      } else {
        Error why = Error(outcome.done.error()).in(context);
        if (why.kind == ErrorKind::failed) why.kind = ErrorKind::temporary;  // tried again at each refresh
        log.write(Priority::warning, why);
        all_done = false;
      }
    }
  }
  forget_removed_sinks(instance.config, instance.runtime);
  return all_done;
}

// The sinks last, without any profile's lock, so that a slow one delays neither containers nor other
// profiles. Under systemd, they have a service of their own.
ExitCode refresh_and_deliver(const RefreshRun& run) {
  const ExitCode worst = run_refresh(run);
  if (run.exchange_socket.empty()) (void)deliver_to_sinks(run.log, run.instance, run.profiles);
  update_metrics(run.log, run.instance.config);
  return worst;
}

void update_metrics(const Log& log, const Config& config) {
  if (auto done = write_metrics_file(config, now()); !done) log.write(Priority::warning, done.error());
}

Result<void> run_login(const Log& log, const Instance& instance, ExchangeRequest request,
                       const Patience& patience) {
  const char* const verb = request.login->action == LoginAction::log_in ? "login" : "logout";
  const std::string name = request.profile.name;
  const auto report =
      TRY(exchange_as_owner({instance.programs.helper("oci-oauth-login"), "", patience}, std::move(request)));
  auto done = report_notices(log, fmt::format("{} '{}'", verb, name), report);
  // Only a person tries it again.
  if (!done && done.error().kind == ErrorKind::temporary && done.error().hint.empty())
    done.error().hint = fmt::format("oci-oauth {} {}", verb, name);
  return done;
}

ExitCode print(const Log& log, std::string_view text) {
  const auto written = write_all(STDOUT_FILENO, text, "stdout");
  return written ? ExitCode::fine : report(log, written.error());
}

Result<const Profile*> find_profile(std::string_view verb, const Config& config, std::string_view name) {
  if (const Profile* profile = config.find(name)) return profile;
  return usage_error(verb, fmt::format("no profile '{}' in {}", name, config.path));
}

Result<const Profile*> find_one_profile(std::string_view verb, const Config& config,
                                        const Arguments& arguments) {
  const auto& names = arguments.operands;
  if (names.size() != 1) return usage_error(verb, "needs the name of one profile");
  return find_profile(verb, config, names.front());
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
