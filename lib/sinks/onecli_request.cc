// SPDX-License-Identifier: Apache-2.0
#include "sinks/onecli_request.h"

#include "base/json.h"

namespace oci_oauth {

namespace {

// The members that are text, for writing and for reading.
template <class Request, class Member>
void each_text(Request& request, const Member& member) {
  member("url", request.url);
  member("secret_id", request.secret_id);
  member("ca_file", request.ca_file);
  member("credentials", request.credentials);
}

}  // namespace

Secret format_onecli_request(const OneCliRequest& request) {
  JsonDocument json;
  json.SetObject();
  each_text(request, [&](std::string_view key, const std::string& text) {
    json_set(json, json, key, json_copy(json, text));
  });
  json_set(json, json, "timeout_ms", JsonValue(std::int64_t{request.timeout.count()}));
  json_set(json, json, "api_key", json_copy(json, request.api_key.reveal()));
  json_set(json, json, "token", json_copy(json, request.token.reveal()));
  return write_json(json);
}

Result<OneCliRequest> parse_onecli_request(std::string_view text) {
  auto json = TRY(parse_json(text, "request"));
  OneCliRequest request;
  each_text(request,
            [&](std::string_view key, std::string& target) { target = json_string(json, key).value_or(""); });
  request.timeout = Milliseconds(json_int(json, "timeout_ms").value_or(0));
  request.api_key = Secret(json_string(json, "api_key").value_or(""));
  request.token = Secret(json_string(json, "token").value_or(""));
  return request;
}

}  // namespace oci_oauth
