// SPDX-License-Identifier: Apache-2.0
// oci-oauth login: makes a login for a profile whose provider has no client of its own, and publishes it.
// oci-oauth logout: revokes a login, and removes it and what was published of it.
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/child.h"
#include "base/file.h"
#include "base/fmt.h"
#include "base/path.h"
#include "base/process.h"
#include "base/spawn.h"
#include "command.h"
#include "config/scope.h"
#include "refresh/deliveries.h"
#include "refresh/logins.h"
#include "sinks/sinks.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

constexpr Patience patience_with_person = {std::chrono::minutes(35), std::chrono::minutes(36)};

// "login 'claude'"
std::string context_of(const Invocation& invocation, const Profile& profile) {
  return fmt::format("{} '{}'", invocation.verb, profile.name);
}

// Runs oci-oauth-login, and reports what it noticed. Failure: its own.
Result<void> run_login(const Invocation& invocation, const Instance& instance, ExchangeRequest request,
                       const Patience& patience) {
  const std::string context = context_of(invocation, request.profile);
  const std::string again = fmt::format("oci-oauth {} {}", invocation.verb, request.profile.name);
  const auto report =
      TRY(exchange_as_owner({instance.programs.helper("oci-oauth-login"), "", patience}, std::move(request)));
  auto done = report_notices(invocation.log, context, report);
  // Only a person tries it again.
  if (!done && done.error().kind == ErrorKind::temporary && done.error().hint.empty())
    done.error().hint = again;
  return done;
}

// Without its end; empty if the end does not come.
std::string read_line(int fd) {
  std::string text;
  char buffer[4 * KiB];
  for (ssize_t count; (count = ::read(fd, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<size_t>(count));
    if (const size_t end = text.find('\n'); end != text.npos) return text.substr(0, end);
  }
  return "";
}

// Opens what is written to `address`: a child of ours does, because oci-oauth-login is confined, and a
// browser must not be.
struct Browser {
  UniqueFd address;
  Child child;
};

Result<Browser> offer_browser() {
  auto pipe = TRY(make_pipe());
  auto child = TRY(run_in_child([&] {
    pipe.writing.reset();
    const std::string address = read_line(pipe.reading.get());
    if (!address.starts_with("http")) return 1;
    auto opener = spawn({"xdg-open", address}, {});
    if (opener) opener->release();
    return 0;
  }));
  return Browser{std::move(pipe.writing), std::move(child)};
}

bool has_desktop() {
  return std::ranges::any_of(std::initializer_list<const char*>{"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"},
                             [](const char* name) { return !from_environment(name).empty(); });
}

Result<LoginFlow> parse_flow(const Invocation& invocation) {
  const auto word = invocation.arguments.value("--flow");
  if (!word) return LoginFlow::automatic;
  const auto flow = from_word<LoginFlow>(*word);
  if (flow && *flow != LoginFlow::automatic) return *flow;
  return usage_error(invocation.verb, fmt::format("--flow: '{}' is not device or code", *word));
}

// Whether we can log in with it, or somebody else does.
Result<void> check_provider(const Profile& profile, const Provider& provider) {
  if (profile.source)
    return Error{ErrorKind::usage, "the profile has no login, but a command that prints its token"};
  if (!provider.login_command.empty())
    return Error{ErrorKind::usage,
                 fmt::format("the provider '{}' has a client that makes its logins", provider.name),
                 provider.login_command};
  if (can_log_in(profile, provider)) return {};
  return Error::configuration(fmt::format("/profiles/{}/issuer: is missing, and the provider '{}' has no "
                                          "address to log in at",
                                          profile.name, provider.name))
      .with_hint("man 5 oci-oauth-config");
}

// Result: whether the endpoint must be asked again to publish a token, because the login has no place for
// one.
Result<Endpoint> log_in(const Invocation& invocation, const Instance& instance, const Profile& profile,
                        LoginFlow flow) {
  const Arguments& arguments = invocation.arguments;
  auto request = TRY(exchange_request(instance.refresher(), profile));
  TRY(check_provider(profile, request.provider));
  request.force = arguments.has("--force") ? Force::yes : Force::no;
  request.login = LoginTask{LoginAction::log_in, flow, -1};
  Browser browser;
  if (!arguments.has("--no-browser") && scope_of_caller() == Scope::user && has_desktop()) {
    browser = TRY(offer_browser());
    request.login->browser = browser.address.get();
  }
  const bool has_place = !request.provider.fields.access_token.empty();
  TRY(run_login(invocation, instance, std::move(request), patience_with_person));
  return has_place ? Endpoint::left_alone : Endpoint::asked;
}

// None of the profiles is refreshed until the login is gone, and one that is being refreshed has its newest
// tokens revoked.
Result<std::vector<FileLock>> lock_all(const RuntimeDir& runtime, const LoginProfiles& profiles) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + longest_run;
  std::vector<FileLock> locks;
  for (const Profile* profile : profiles) locks.push_back(TRY(runtime.lock(profile->name, deadline)));
  return locks;
}

Result<void> end_login(const Invocation& invocation, const Instance& instance, const Profile& profile) {
  if (profile.source) return {};
  // The program that ends it becomes the user who has this directory.
  const std::string directory = parent_directory(profile.credentials);
  if (::access(directory.c_str(), F_OK) != 0 && errno == ENOENT) {
    invocation.log.write(Priority::info, fmt::format("{}: there is no login: {}: No such file or directory",
                                                     context_of(invocation, profile), directory));
    return {};
  }
  auto request = TRY(exchange_request(instance.refresher(), profile));
  request.login = LoginTask{LoginAction::log_out, LoginFlow::automatic, -1};
  return run_login(invocation, instance, std::move(request), patience_of_run);
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
ExitCode log_out(const Invocation& invocation, const Instance& instance, const Profile& profile) {
  const Log& log = invocation.log;
  LoginProfiles profiles = siblings_of(instance.config, profile);
  profiles.push_back(&profile);
  std::ranges::sort(profiles);  // in the configuration's order
  const auto locks = lock_all(instance.runtime, profiles);
  if (!locks) return report(log, Error(locks.error()).in(context_of(invocation, profile)));
  auto ended = end_login(invocation, instance, profile);
  ExitCode worst =
      ended ? ExitCode::fine : report(log, std::move(ended).error().in(context_of(invocation, profile)));
  for (const Profile* any : profiles) {
    const std::string context = context_of(invocation, *any);
    const auto withdrawn = withdraw_profile(instance.runtime, any->name);
    if (!withdrawn) {
      worst = worse(worst, report(log, Error(withdrawn.error()).in(context)));
    } else if (*withdrawn) {
      log.write(Priority::info, context + ": the token is withdrawn from all containers");
    }
    tell_sinks(log, instance, any->name, context);
  }
  return worst;
}

}  // namespace

Result<ExitCode> login(const Invocation& invocation) {
  const auto instance = TRY(Instance::open(invocation.config));
  const auto profile = TRY(find_one_profile(invocation, instance.config));
  const auto flow = TRY(parse_flow(invocation));
  auto done = log_in(invocation, instance, *profile, flow);
  if (!done) return std::move(done).error().in(context_of(invocation, *profile));
  LoginProfiles profiles = siblings_of(instance.config, *profile);
  profiles.insert(profiles.begin(), profile);
  return refresh_and_deliver(
      {.instance = instance, .log = invocation.log, .profiles = profiles, .aim = {.endpoint = *done}});
}

Result<ExitCode> logout(const Invocation& invocation) {
  const auto instance = TRY(Instance::open(invocation.config));
  const auto profile = TRY(find_one_profile(invocation, instance.config));
  const ExitCode code = log_out(invocation, instance, *profile);
  update_metrics(invocation.log, instance.config);
  return code;
}

}  // namespace oci_oauth
