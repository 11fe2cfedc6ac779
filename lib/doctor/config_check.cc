// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/fmt.h"
#include "base/path.h"
#include "base/text.h"
#include "config/config.h"
#include "config/provider.h"
#include "doctor/checks.h"

namespace oci_oauth {

namespace {

constexpr const char* config_check = "configuration";

// Below the container's home; empty: nobody knows.
std::string place_of(const Profile& profile, const LoginPlace& place) {
  if (place.file.find('*') == std::string::npos) return fmt::format("/{}/{}", place.directory, place.file);
  const size_t at = profile.credentials.find(fmt::format("/{}/", place.directory));
  return at == std::string::npos ? "" : profile.credentials.substr(at);
}

// A client that no environment variable leads to the delivered file looks for it where it keeps its login.
// Unless the target is that directory, an image needs a link there: no program of ours writes to a
// container's home.
Findings links(const Profile& profile, const Provider& provider) {
  Findings findings;
  if (profile.delivery == Delivers::socket) return findings;
  const std::string path = place_of(profile, provider.place);
  if (path.empty()) return findings;
  const std::string directory = parent_directory(path), file = base_name(path);
  const bool has_variable = !provider.environment.empty() || !profile.delivered_by.empty();
  if (has_variable || std::ranges::count(provider.deliver, file, &DeliveredFile::name) == 0) return findings;
  for (const std::string& target : profile.targets) {
    if (target.ends_with(directory)) continue;
    findings.push_back({fmt::format("link of '{}'", profile.name), Verdict::ok,
                        fmt::format("its client needs one in the image: mkdir -p ~{} && ln -s {} ~{}",
                                    directory, shell_word(fmt::format("{}/{}", target, file)), path),
                        ""});
  }
  return findings;
}

// gVisor's sandbox has a file system of its own.
Findings sandboxes(const CheckContext& context, const Profile& profile) {
  if (profile.delivery != Delivers::socket || !context.host.has_gvisor) return {};
  return {{fmt::format("gVisor and '{}'", profile.name), Verdict::warning,
           "its containers get no socket, because nothing can be mounted into them",
           "give them a profile with \"delivery\": \"token\""}};
}

Findings check_provider(const CheckContext& context, const Profile& profile) {
  const std::string check = fmt::format("provider '{}'", profile.provider);
  const auto provider = load_provider(profile, context.provider_directories);
  if (!provider) return {problem(check, provider.error())};
  if (const auto complete = check_complete(profile, *provider); !complete)
    return {problem(check, complete.error())};
  std::string place = profile.source ? profile.source->exec.front() : "";
  for (const std::string* word :
       {&profile.token_url, &provider->token_url, &profile.issuer, &provider->issuer}) {
    if (place.empty()) place = *word;
  }
  if (place.empty()) place = "the server that its login names";
  Findings findings = {
      {check, Verdict::ok, fmt::format("'{}' gets its tokens from {}", profile.name, place), ""}};
  append(findings, links(profile, *provider));
  append(findings, sandboxes(context, profile));
  return findings;
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
    append(findings, check_provider(context, profile));
  }
  return findings;
}

}  // namespace oci_oauth
