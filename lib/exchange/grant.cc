// SPDX-License-Identifier: Apache-2.0
#include "exchange/grant.h"

#include "exchange/document_time.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

constexpr Milliseconds assumed_life = std::chrono::hours(1);  // if the answer does not say

}  // namespace

std::vector<std::string> answer_members(const CredentialFields& fields) {
  std::vector<std::string> names;
  for (const auto& [name, pointer] : fields.answer) names.push_back(name);
  return names;
}

Grant grant_of(const TokenAnswer& answer, const CredentialDocument& document, const CredentialFields& fields,
               Time time) {
  const Secret& old = document.login().refresh_token;
  const Secret& rotated = answer.refresh_token.empty() ? old : answer.refresh_token;
  const auto told =
      fields.format == TokenFormat::jwt ? jwt_expiry(answer.access_token.reveal()) : std::nullopt;
  const Time expires_at =
      told.value_or(granted_until(time, answer.expires_in.value_or(assumed_life), answer.date));
  Grant grant = {answer.access_token.copy(), rotated.copy(), expires_at, answer.scopes, std::nullopt};
  for (const auto& [name, pointer] : fields.answer) {
    if (const auto member = answer.members.find(name); member != answer.members.end())
      grant.values.emplace(pointer, member->second.copy());
  }
  if (!fields.refreshed_at.empty())
    grant.values.emplace(fields.refreshed_at,
                         write_json(document.time_at(fields.refreshed_at, time, fields.unit)));
  if (answer.refresh_token_expires_in) grant.login_expires_at = time + *answer.refresh_token_expires_in;
  return grant;
}

}  // namespace oci_oauth
