// SPDX-License-Identifier: Apache-2.0
#include "login/device.h"

#include <algorithm>

#include "base/fmt.h"
#include "base/json.h"
#include "base/printable.h"
#include "http/http_request.h"
#include "login/authorization.h"

namespace oci_oauth {

namespace {

using std::chrono::seconds;

constexpr auto slower = seconds(5);  // for each slow_down
constexpr Milliseconds longest_interval = std::chrono::minutes(1),
                       longest_lifetime = std::chrono::minutes(30);

// A server that says nonsense is asked neither without a pause nor forever.
Milliseconds duration(const JsonValue& answer, const char* key, Milliseconds otherwise,
                      Milliseconds longest) {
  const JsonValue* const value = json_member(answer, key);
  if (value == nullptr || !value->IsNumber()) return otherwise;
  const double count = std::clamp(value->GetDouble(), 1.0, 1e6);
  return std::min<Milliseconds>(seconds(static_cast<seconds::rep>(count)), longest);
}

}  // namespace

Result<DeviceAuthorization> parse_device_authorization(std::string_view text) {
  const auto json = parse_json_leniently(text);
  const auto member = [&](const char* key) {
    return std::string(json ? json_string(*json, key).value_or("") : "");
  };
  DeviceAuthorization authorization = {Secret(member("device_code")),
                                       printable(member("user_code"), longest_words),
                                       member("verification_uri"), member("verification_uri_complete")};
  const std::pair<const char*, bool> needed[] = {{"device_code", authorization.device_code.empty()},
                                                 {"user_code", authorization.user_code.empty()},
                                                 {"verification_uri", !check_url(authorization.address)}};
  for (const auto& [key, is_missing] : needed) {
    if (is_missing) return Error{ErrorKind::failed, fmt::format("the server's answer has no usable {}", key)};
  }
  if (!check_url(authorization.complete_address)) authorization.complete_address.clear();
  authorization.address = printable(authorization.address, longest_words);
  authorization.lifetime = duration(*json, "expires_in", authorization.lifetime, longest_lifetime);
  authorization.interval = duration(*json, "interval", authorization.interval, longest_interval);
  return authorization;
}

void PollingSchedule::note_slow_down(SteadyTime now) {
  interval_ += slower;
  note_pending(now);
}

void PollingSchedule::note_no_answer(SteadyTime now) {
  interval_ = std::min<Milliseconds>(interval_ * 2, longest_interval);
  note_pending(now);
}

}  // namespace oci_oauth
