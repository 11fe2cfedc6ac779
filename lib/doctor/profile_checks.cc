// SPDX-License-Identifier: Apache-2.0
// The checks of what each login needs: the configuration, the providers, and the logins themselves.
#include <algorithm>

#include "base/fmt.h"
#include "base/path.h"
#include "base/text.h"
#include "config/config.h"
#include "config/provider.h"
#include "doctor/checks.h"
#include "program/hint.h"

namespace oci_oauth {

namespace {

constexpr Milliseconds probe_bound = std::chrono::seconds(60);

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
  const std::string path = place_of(profile, provider.place);
  if (path.empty() || profile.delivery == Delivers::socket) return findings;
  const std::string directory = parent_directory(path), file = base_name(path);
  const bool has_variable = !provider.environment.empty() || !profile.delivered_by.empty();
  if (has_variable || std::ranges::count(provider.deliver, file, &DeliveredFile::name) == 0) return findings;
  for (const std::string& target : profile.targets) {
    if (target.ends_with(directory)) continue;
    findings.push_back({fmt::format("link of '{}'", profile.name), Verdict::ok,
                        fmt::format("its client needs one in the image: mkdir -p ~{} && ln -s {} ~{}",
                                    directory, shell_word(fmt::format("{}/{}", target, file)), path)});
  }
  return findings;
}

Findings check_provider(const CheckContext& context, const Profile& profile) {
  const std::string check = fmt::format("provider '{}'", profile.provider);
  const auto provider = load_provider(profile, context.provider_directories);
  if (!provider) return {problem(check, provider.error())};
  if (const auto complete = check_complete(profile, *provider); !complete)
    return {problem(check, complete.error())};
  std::string place = profile.source ? profile.source->exec.front() : "";
  for (const std::string& named : {profile.token_url, provider->token_url, profile.issuer, provider->issuer,
                                   std::string("the server that its login names")}) {
    if (place.empty()) place = named;
  }
  Findings findings = {
      {check, Verdict::ok, fmt::format("'{}' gets its tokens from {}", profile.name, place)}};
  append(findings, links(profile, *provider));
  // gVisor's sandbox has a file system of its own.
  if (profile.delivery == Delivers::socket && context.host.has_gvisor)
    findings.push_back({fmt::format("gVisor and '{}'", profile.name), Verdict::warning,
                        "its containers get no socket, because nothing can be mounted into them",
                        "give them a profile with \"delivery\": \"token\""});
  return findings;
}

Findings probe(const CheckContext& context, const Profile& profile) {
  const std::string check = fmt::format("login '{}'", profile.name);
  const auto output = context.host.run({context.probe, context.config.path, profile.name}, probe_bound);
  if (!output) return {problem(check, output.error())};
  if (auto report = read_record<FindingsReport>(output->out, "findings")) return std::move(report->findings);
  return {{check, Verdict::problem,
           fmt::format("{}: exit status {} without any findings", context.probe, output->status),
           incomplete_hint}};
}

}  // namespace

Findings check_configuration(const CheckContext& context) {
  const Config& config = context.config;
  if (config.profiles.empty())
    return {{"configuration", Verdict::problem, fmt::format("{}: has no profiles", config.path),
             "add a login to it: man 5 oci-oauth-config"}};
  std::string names;
  for (const Profile& profile : config.profiles)
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", profile.name);
  return {{"configuration", Verdict::ok, fmt::format("{}: {}", config.path, names)}};
}

Findings check_providers(const CheckContext& context) {
  Findings findings;
  for (const Profile& profile : context.config.profiles) append(findings, check_provider(context, profile));
  return findings;
}

Findings check_logins(const CheckContext& context) {
  Findings findings;
  for (const Profile& profile : context.config.profiles) append(findings, probe(context, profile));
  return findings;
}

}  // namespace oci_oauth
