// SPDX-License-Identifier: Apache-2.0
// oci-oauth login: makes a login for a profile whose provider has no client of its own, and publishes it.
#include <stdlib.h>
#include <unistd.h>

#include "base/child.h"
#include "base/environment.h"
#include "base/fmt.h"
#include "base/size.h"
#include "base/spawn.h"
#include "command.h"
#include "config/scope.h"
#include "refresh/logins.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "login";
constexpr Patience patience_with_person = {std::chrono::minutes(35), std::chrono::minutes(36)};

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

// Opens what is written to it: a child of ours does, because oci-oauth-login is confined, and a browser must
// not be.
class Browser {
 public:
  static Result<Browser> offer() {
    Browser browser;
    auto pipe = TRY(make_pipe());
    browser.address_ = std::move(pipe.writing);
    browser.child_ = TRY(run_in_child([&] {
      browser.address_.reset();
      const std::string address = read_line(pipe.reading.get());
      if (!address.starts_with("http")) return 1;
      auto opener = spawn({"xdg-open", address}, {});
      if (opener) opener->release();
      return 0;
    }));
    return browser;
  }
  int fd() const { return address_.get(); }

 private:
  UniqueFd address_;
  Child child_;
};

bool has_desktop() {
  for (const char* name : {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"}) {
    if (!from_environment(name).empty()) return true;
  }
  return false;
}

Result<LoginFlow> parse_flow(const std::optional<std::string>& word) {
  if (!word) return LoginFlow::automatic;
  if (*word == "device") return LoginFlow::device;
  if (*word == "code") return LoginFlow::code;
  return usage_error(verb, fmt::format("--flow: '{}' is not device or code", *word));
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
  std::optional<Browser> browser;
  if (!arguments.has("--no-browser") && scope_of_caller() == Scope::user && has_desktop()) {
    browser.emplace(TRY(Browser::offer()));
    request.login->browser = browser->fd();
  }
  const Endpoint endpoint =
      request.provider.fields.access_token.empty() ? Endpoint::asked : Endpoint::left_alone;
  TRY(run_login(invocation.log, instance, std::move(request), patience_with_person));
  return endpoint;
}

}  // namespace

Result<ExitCode> login(const Invocation& invocation) {
  const auto instance = TRY(Instance::open(invocation.config));
  const auto profile = TRY(find_one_profile(verb, instance.config, invocation.arguments));
  const auto flow = TRY(parse_flow(invocation.arguments.value("--flow")));
  auto done = log_in(invocation, instance, *profile, flow);
  if (!done) return std::move(done).error().in(fmt::format("login '{}'", profile->name));
  LoginProfiles profiles = siblings_of(instance.config, *profile);
  profiles.insert(profiles.begin(), profile);
  return refresh_and_deliver(
      {.instance = instance, .log = invocation.log, .profiles = profiles, .aim = {.endpoint = *done}});
}

}  // namespace oci_oauth
