// SPDX-License-Identifier: Apache-2.0
// oci-oauth token: prints a token that is valid for at least --min-ttl, and refreshes first if necessary.
#include "base/fmt.h"
#include "command.h"
#include "refresh/logins.h"
#include "token/token_format.h"

namespace oci_oauth {

Result<ExitCode> token(const Invocation& invocation) {
  const auto min_ttl = parse_duration(invocation.arguments.value("--min-ttl").value_or("5m"));
  if (!min_ttl) return usage_error(invocation.verb, "--min-ttl: " + min_ttl.error().message);
  const std::string word = invocation.arguments.value("--format").value_or("raw");
  const auto format = from_word<OutputFormat>(word);
  if (!format)
    return usage_error(invocation.verb, fmt::format("--format: '{}' is not raw, json or header", word));
  const auto instance = TRY(Instance::open(invocation.config));
  const Profile& profile = *TRY(find_one_profile(invocation, instance.config));
  const std::string context = fmt::format("token '{}'", profile.name);
  const Refresher refresher = instance.refresher();
  const auto outcome = refresh_profile(refresher, profile, {.aim = {.min_ttl = *min_ttl}});
  if (!outcome) return Error(outcome.error()).in(context);
  if (auto lives = check_lifetime(*outcome, *min_ttl, now()); !lives)
    return std::move(lives).error().in(context);
  auto content = TRY(instance.runtime.token(profile.name));
  const Secret text = format_token(content, outcome->known.published.expires_at, *format);
  const ExitCode code = print(invocation.log, text.reveal());
  // Sinks are left to the next refresh, or to the units, which notice the changed login, because they may
  // take minutes.
  if (outcome->refreshed) (void)follow(refresher, fed_by(instance.config, profile), *outcome);
  return code;
}

}  // namespace oci_oauth
