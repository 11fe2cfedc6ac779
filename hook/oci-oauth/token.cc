// SPDX-License-Identifier: Apache-2.0
// oci-oauth token: prints a token that is valid for at least --min-ttl, and refreshes first if necessary.
#include "base/fmt.h"
#include "command.h"
#include "refresh/logins.h"
#include "token/token_format.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "token";

struct TokenArguments {
  const Profile* profile = nullptr;
  Milliseconds min_ttl = std::chrono::minutes(5);
  OutputFormat format = OutputFormat::raw;
};

Result<TokenArguments> parse(const Invocation& invocation, const Config& config) {
  TokenArguments parsed;
  const Arguments& arguments = invocation.arguments;
  if (const auto text = arguments.value("--min-ttl")) {
    auto duration = parse_duration(*text);
    if (!duration) return usage_error(verb, "--min-ttl: " + duration.error().message);
    parsed.min_ttl = *duration;
  }
  if (const auto word = arguments.value("--format")) {
    const auto format = from_word<OutputFormat>(*word);
    if (!format) return usage_error(verb, fmt::format("--format: '{}' is not raw, json or header", *word));
    parsed.format = *format;
  }
  parsed.profile = TRY(find_one_profile(verb, config, arguments));
  return parsed;
}

}  // namespace

Result<ExitCode> token(const Invocation& invocation) {
  const auto instance = TRY(Instance::open(invocation.config));
  const auto parsed = TRY(parse(invocation, instance.config));
  const Profile& profile = *parsed.profile;
  const std::string context = fmt::format("token '{}'", profile.name);
  const Refresher refresher = instance.refresher();
  const auto outcome = refresh_profile(refresher, profile, {.aim = {.min_ttl = parsed.min_ttl}});
  if (!outcome) return Error(outcome.error()).in(context);
  if (auto lives = check_lifetime(*outcome, parsed.min_ttl, now()); !lives)
    return std::move(lives).error().in(context);
  auto content = TRY(instance.runtime.token(profile.name));
  const Secret text = format_token(content, outcome->known.published.expires_at, parsed.format);
  const ExitCode code = print(invocation.log, text.reveal());
  // Sinks are left to the next refresh, or to the units, which notice the changed login, because they may
  // take minutes.
  if (outcome->refreshed) (void)follow(refresher, fed_by(instance.config, profile), *outcome);
  return code;
}

}  // namespace oci_oauth
