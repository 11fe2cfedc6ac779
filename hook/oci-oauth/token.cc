// SPDX-License-Identifier: Apache-2.0
// oci-oauth token: prints a token that is valid for at least --min-ttl, and refreshes first if necessary.

#include "base/file.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/size.h"
#include "command.h"
#include "refresh/logins.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "token";

enum class TokenFormat { raw, json, header };

struct TokenArguments {
  const Profile* profile = nullptr;
  Milliseconds min_ttl = std::chrono::minutes(5);
  TokenFormat format = TokenFormat::raw;
};

Result<TokenFormat> parse_format(std::string_view word) {
  if (word == "raw") return TokenFormat::raw;
  if (word == "json") return TokenFormat::json;
  if (word == "header") return TokenFormat::header;
  return usage_error(verb, fmt::format("--format: '{}' is not raw, json or header", word));
}

Result<TokenArguments> parse(const Invocation& invocation, const Config& config) {
  TokenArguments parsed;
  const Arguments& arguments = invocation.arguments;
  if (const auto text = arguments.value("--min-ttl")) {
    auto duration = parse_duration(*text);
    if (!duration) return usage_error(verb, "--min-ttl: " + duration.error().message);
    parsed.min_ttl = *duration;
  }
  if (const auto word = arguments.value("--format")) {
    auto format = TRY(parse_format(*word));
    parsed.format = format;
  }
  const auto& names = arguments.operands;
  if (names.size() != 1) return usage_error(verb, "needs the name of one profile");
  auto profile = TRY(find_profile(verb, config, names.front()));
  parsed.profile = profile;
  return parsed;
}

Secret formatted(const Secret& token, Time expires_at, TokenFormat format) {
  switch (format) {
    case TokenFormat::raw:
      return Secret(fmt::format("{}\n", token.reveal()));
    case TokenFormat::header:
      return Secret(fmt::format("Authorization: Bearer {}\n", token.reveal()));
    case TokenFormat::json:
      break;
  }
  JsonDocument json;
  json.SetObject();
  json_set(json, json, "access_token", json_copy(json, token.reveal()));
  json_set(json, json, "token_type", json_copy(json, "Bearer"));
  json_set(json, json, "expires_at", json_copy(json, rfc3339(expires_at)));
  return write_json(json, JsonStyle::indented);
}

Error too_long(Milliseconds life) {
  return {ErrorKind::usage,
          life > Milliseconds(0)
              ? fmt::format("--min-ttl: this server's tokens are valid for only {}", describe(life))
              : "--min-ttl: this server's tokens are not valid for that long",
          "use a smaller --min-ttl"};
}

}  // namespace

ExitCode token(const Invocation& invocation) {
  const auto workplace = open_workplace(invocation);
  if (!workplace) return report(invocation.log, workplace.error());
  const auto parsed = parse(invocation, workplace->config);
  if (!parsed) return report(invocation.log, parsed.error());
  const Profile& profile = *parsed->profile;
  const std::string context = fmt::format("token '{}'", profile.name);
  const Refresher refresher = refresher_of(*workplace);
  const auto outcome = refresh_profile(refresher, profile, {.min_ttl = parsed->min_ttl});
  if (!outcome) return report(invocation.log, Error(outcome.error()).in(context));
  if (!outcome->known.published.has_token() ||
      outcome->known.published.expires_at - now() < parsed->min_ttl) {
    if (outcome->failure) return report(invocation.log, to_error(*outcome->failure).in(context));
    return report(invocation.log, too_long(outcome->known.history.token_life).in(context));
  }
  const std::string path = workplace->runtime.share_path(profile.name) + "/token";
  auto content = read_file({.path = path}, 64 * KiB, Links::refused);
  if (!content) return report(invocation.log, content.error());
  const Secret text =
      formatted(Secret(std::move(*content)), outcome->known.published.expires_at, parsed->format);
  const ExitCode code = print(invocation.log, text.reveal());
  // Sinks are left to the next refresh, or to the units, which notice the changed login, because they may
  // take minutes.
  if (outcome->refreshed) (void)follow(refresher, siblings_of(workplace->config, profile), *outcome);
  return code;
}

}  // namespace oci_oauth
