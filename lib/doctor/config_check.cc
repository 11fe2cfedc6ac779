// SPDX-License-Identifier: Apache-2.0
#include "base/fmt.h"
#include "config/config.h"
#include "config/provider.h"
#include "doctor/checks.h"

namespace oci_oauth {

namespace {

constexpr const char* config_check = "configuration";

Finding check_provider(const CheckContext& context, const Profile& profile) {
  const std::string check = fmt::format("provider '{}'", profile.provider);
  const auto provider = load_provider(profile.provider, context.provider_directories);
  if (!provider) return problem(check, provider.error());
  if (const auto complete = check_complete(profile, *provider); !complete)
    return problem(check, complete.error());
  std::string place = profile.source ? profile.source->exec.front() : "";
  for (const std::string* word :
       {&profile.token_url, &provider->token_url, &profile.issuer, &provider->issuer}) {
    if (place.empty()) place = *word;
  }
  return {check, Verdict::ok, fmt::format("'{}' gets its tokens from {}", profile.name, place), ""};
}

}  // namespace

Findings check_configuration(const CheckContext& context) {
  const Config& config = context.config;
  if (config.profiles.empty()) {
    return {{config_check, Verdict::problem, fmt::format("{}: has no profiles", config.path),
             "add a login to it: man 5 oci-oauth-config"}};
  }
  std::string names;
  for (const Profile& profile : config.profiles)
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", profile.name);
  return {{config_check, Verdict::ok, fmt::format("{}: {}", config.path, names), ""}};
}

Findings check_providers(const CheckContext& context) {
  Findings findings;
  for (const Profile& profile : context.config.profiles) {
    findings.push_back(check_provider(context, profile));
  }
  return findings;
}

}  // namespace oci_oauth
