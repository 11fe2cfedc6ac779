// SPDX-License-Identifier: Apache-2.0
#include "base/fmt.h"
#include "exchange/server_metadata.h"
#include "exchange/token_request.h"
#include "http/retry_after.h"
#include "probe/login_findings.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

// Any status shows that there is a server: many answer 404 or 405 to a HEAD request.
Finding judge_clock(const std::string& check, const std::string& url, const HttpReply& reply, Time now) {
  const std::string reached =
      fmt::format("{}: answers{}", url, url.starts_with("https:") ? ", its certificate is trusted" : "");
  const auto date = parse_http_date(reply.date);
  if (!date) return {check, Verdict::ok, reached, ""};
  const Milliseconds ahead = now - *date;
  if (ahead > -tolerated_skew && ahead < tolerated_skew) {
    return {check, Verdict::ok, reached + ", and the clocks agree", ""};
  }
  return {check, Verdict::warning,
          fmt::format("{}: this host's clock is {} {} the server's", url, describe(std::chrono::abs(ahead)),
                      ahead > Milliseconds(0) ? "ahead of" : "behind"),
          "sudo timedatectl set-ntp true"};
}

}  // namespace

Findings examine_endpoint(const Profile& profile, const Provider& provider, Time now,
                          const SendRequest& send) {
  const std::string check = fmt::format("token endpoint of '{}'", profile.name);
  HttpRequest request(token_endpoint(profile, provider));
  request.method = "HEAD";
  if (request.url.empty()) {
    const TokenRequest client = token_request(profile, provider, Login());
    if (client.issuer.empty() && client.resource.empty())
      return {{check, Verdict::ok, "is the one that the login names", ""}};
    auto server = discover(client);
    if (!server) return {problem(check, std::move(server).error().in("issuer"))};
    request.url = server->token_url;
  }
  if (auto checked = check_url(request.url); !checked)
    return {problem(check, std::move(checked).error().in("token_url"))};
  const RequestResult result = send(request);
  if (const auto* failure = std::get_if<RequestFailure>(&result)) {
    return {{check, Verdict::problem, failure->message,
             "check DNS, the firewall, and \"proxy\", \"ca_file\" and \"token_url\" in the profile"}};
  }
  return {judge_clock(check, request.url, std::get<HttpReply>(result), now)};
}

}  // namespace oci_oauth
