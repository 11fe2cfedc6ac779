// SPDX-License-Identifier: Apache-2.0
// oci-oauth logout: revokes a login, and removes it and what was published of it.
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/fmt.h"
#include "base/path.h"
#include "command.h"
#include "refresh/deliveries.h"
#include "refresh/logins.h"
#include "sinks/sinks.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "logout";

// Of all profiles of the login, in the configuration's order: none is refreshed until the login is gone, and
// one that is being refreshed has its newest tokens revoked.
Result<std::vector<FileLock>> lock_all(const RuntimeDir& runtime, const LoginProfiles& profiles) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + longest_run;
  std::vector<FileLock> locks;
  for (const Profile* profile : profiles) locks.push_back(TRY(runtime.lock(profile->name, deadline)));
  return locks;
}

LoginProfiles profiles_of(const Config& config, const Profile& profile) {
  if (profile.source) return {&profile};
  const LoginProfiles others = siblings_of(config, profile);
  LoginProfiles all;
  for (const Profile& any : config.profiles) {
    if (&any == &profile || std::find(others.begin(), others.end(), &any) != others.end())
      all.push_back(&any);
  }
  return all;
}

Result<void> end_login(const Log& log, const Instance& instance, const Profile& profile) {
  // The program that ends it becomes the user who has this directory.
  const std::string directory = parent_directory(profile.credentials);
  if (::access(directory.c_str(), F_OK) != 0 && errno == ENOENT) {
    log.write(Priority::info, fmt::format("logout '{}': there is no login: {}: No such file or directory",
                                          profile.name, directory));
    return {};
  }
  auto request = TRY(exchange_request(instance.refresher(), profile));
  request.login = LoginTask{LoginAction::log_out, LoginFlow::automatic, -1};
  return run_login(log, instance, std::move(request), patience_of_run);
}

// What a sink has is out of our reach.
void tell_sinks(const Log& log, const Instance& instance, const std::string& profile,
                const std::string& context) {
  if (instance.config.sinks.empty()) return;
  const auto states = sink_states(instance.runtime);
  std::string names;
  for (const SinkState& state : states ? *states : std::vector<SinkState>()) {
    if (state.profile == profile && state.delivered_at)
      names += fmt::format("{}'{}'", names.empty() ? "" : ", ", state.sink);
  }
  if (!names.empty())
    log.write(Priority::notice, fmt::format("{}: the last token stays in its sinks: {}", context, names));
}

// Also if the server did not answer: nobody in a container has a token of a login that a person ended.
ExitCode log_out(const Log& log, const Instance& instance, const Profile& profile) {
  const LoginProfiles profiles = profiles_of(instance.config, profile);
  const auto context = [](const Profile& any) { return fmt::format("logout '{}'", any.name); };
  const auto locks = lock_all(instance.runtime, profiles);
  if (!locks) return report(log, Error(locks.error()).in(context(profile)));
  auto ended = profile.source ? Result<void>() : end_login(log, instance, profile);
  ExitCode worst = ended ? ExitCode::fine : report(log, std::move(ended).error().in(context(profile)));
  for (const Profile* any : profiles) {
    const auto withdrawn = withdraw_profile(instance.runtime, any->name);
    if (!withdrawn) {
      worst = worse(worst, report(log, Error(withdrawn.error()).in(context(*any))));
    } else if (*withdrawn) {
      log.write(Priority::info, context(*any) + ": the token is withdrawn from all containers");
    }
    tell_sinks(log, instance, any->name, context(*any));
  }
  return worst;
}

}  // namespace

Result<ExitCode> logout(const Invocation& invocation) {
  const auto instance = TRY(Instance::open(invocation.config));
  const auto profile = TRY(find_one_profile(verb, instance.config, invocation.arguments));
  const ExitCode code = log_out(invocation.log, instance, *profile);
  update_metrics(invocation.log, instance.config);
  return code;
}

}  // namespace oci_oauth
