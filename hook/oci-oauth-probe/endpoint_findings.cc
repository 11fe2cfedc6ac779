// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "login_findings.h"
#include "refresh/endpoint_probe.h"

namespace oci_oauth {

namespace {

// Beyond this, certificates and the times in the login start to lie.
constexpr Milliseconds tolerated_skew = std::chrono::minutes(1);

const std::string& either(const std::string& own, const std::string& other) {
  return own.empty() ? other : own;
}

Finding judge_clock(const std::string& check, const std::string& url, const EndpointAnswer& answer) {
  const std::string reached = fmt::format("{}: answers ({}), its certificate is trusted", url, answer.status);
  if (!answer.date) return {check, Verdict::ok, reached, ""};
  const Milliseconds ahead = now() - *answer.date;
  if (ahead > -tolerated_skew && ahead < tolerated_skew) {
    return {check, Verdict::ok, reached + ", and the clocks agree", ""};
  }
  return {check, Verdict::warning,
          fmt::format("{}: this host's clock is {} {} the server's", url, describe(std::chrono::abs(ahead)),
                      ahead > Milliseconds(0) ? "ahead of" : "behind"),
          "timedatectl set-ntp true"};
}

}  // namespace

Findings examine_endpoint(const Profile& profile, const Provider& provider) {
  const std::string check = fmt::format("token endpoint of '{}'", profile.name);
  EndpointProbe probe;
  probe.url = either(profile.token_url, provider.token_url);
  probe.user_agent = either(profile.user_agent, provider.user_agent);
  probe.ca_file = profile.ca_file;
  probe.proxy = profile.proxy;
  const auto answer = probe_endpoint(probe);
  if (!answer) return {problem(check, answer.error())};
  return {judge_clock(check, probe.url, *answer)};
}

}  // namespace oci_oauth
