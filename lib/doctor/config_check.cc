// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"
#include "base/fmt.h"
#include "base/size.h"
#include "config/provider.h"
#include "doctor/checks.h"
#include "report/config_schema.h"

namespace oci_oauth {

namespace {

constexpr size_t file_limit = MiB;
constexpr const char* config_check = "configuration";

Result<void> check_schema_of_provider(const std::string& name, const std::vector<std::string>& directories) {
  for (const std::string& directory : directories) {
    const std::string path = fmt::format("{}/{}.json", directory, name);
    const auto text = read_file({.path = path}, file_limit);
    if (text) return check_provider_text(*text, path);
  }
  return {};
}

Finding check_provider(const CheckContext& context, const Profile& profile) {
  const std::string check = fmt::format("provider '{}'", profile.provider);
  const auto provider = load_provider(profile.provider, context.provider_directories);
  if (!provider) return problem(check, provider.error());
  const auto fits = check_schema_of_provider(profile.provider, context.provider_directories);
  if (!fits) return problem(check, fits.error());
  const std::string& url = profile.token_url.empty() ? provider->token_url : profile.token_url;
  return {check, Verdict::ok, fmt::format("'{}' gets its tokens from {}", profile.name, url), ""};
}

}  // namespace

Findings check_configuration(const CheckContext& context) {
  const Config& config = context.config;
  const auto text = read_file({.path = config.path}, file_limit);
  const auto fits = text ? check_config_text(*text, config.path) : Result<void>(text.error());
  if (!fits) return {problem(config_check, fits.error())};
  if (config.profiles.empty()) {
    return {{config_check, Verdict::problem, fmt::format("{}: has no profile", config.path),
             "name a login in it: man 5 oci-oauth-config"}};
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
