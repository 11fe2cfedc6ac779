// SPDX-License-Identifier: Apache-2.0
#include "exchange/patch_secret.h"

#include "base/fmt.h"
#include "base/json.h"
#include "http/http_request.h"

namespace oci_oauth {

namespace {

using std::chrono::steady_clock;

// Result: the status of the answer.
Result<long> patch(const OneCliRequest& request, const std::string& url, Milliseconds timeout) {
  HttpRequest http;
  http.method = "PATCH";
  http.url = url;
  http.content_type = "application/json";
  http.body = write_json(json_object({{"value", request.token.reveal()}}));
  http.bearer = request.api_key.copy();
  http.user_agent = "oci-oauth";
  http.ca_file = request.ca_file;
  http.total_timeout = timeout;
  const auto result = send_request(http);
  if (const auto* reply = std::get_if<HttpReply>(&result)) return reply->status;
  return Error{ErrorKind::failed, fmt::format("PATCH {}: {}", url, std::get<RequestFailure>(result).message)};
}

Error refused(const std::string& url, long status) {
  Error error = {ErrorKind::failed, fmt::format("PATCH {}: answered {}", url, status), ""};
  if (status == 401 || status == 403) error.hint = "check the API key: api_key_file or ONECLI_API_KEY";
  if (status == 404) error.hint = "check the secret id: onecli secrets list";
  return error;
}

}  // namespace

Result<void> patch_secret(const OneCliRequest& request) {
  if (auto checked = check_url(request.url); !checked) return std::move(checked).error().in("url");
  const auto deadline = steady_clock::now() + request.timeout;
  const std::string base = request.url.substr(0, request.url.find_last_not_of('/') + 1);
  std::string url;
  long status = 404;
  for (const char* path : {"/v1/secrets/", "/api/secrets/"}) {
    if (status != 404) break;
    url = base + path + request.secret_id;
    const auto left = std::chrono::ceil<Milliseconds>(deadline - steady_clock::now());
    auto answered = TRY(patch(request, url, std::max(left, Milliseconds(1))));
    status = answered;
  }
  if (status >= 200 && status < 300) return {};
  return refused(url, status);
}

}  // namespace oci_oauth
