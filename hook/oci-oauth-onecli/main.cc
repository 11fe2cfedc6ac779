// SPDX-License-Identifier: Apache-2.0
// oci-oauth-onecli: updates one secret of a OneCLI server as the login's owner. Reads the request from stdin;
// on failure exits with 1, and prints a message and, on a second line, a hint. Only oci-oauth starts it.
#include <unistd.h>

#include <algorithm>
#include <exception>

#include "base/file.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/process.h"
#include "http/http_request.h"
#include "program/log.h"
#include "program/standard_options.h"
#include "sinks/onecli.h"
#include "worker/login_owner.h"

namespace oci_oauth {

namespace {

using std::chrono::steady_clock;

// The capacity of a pipe (sinks/program.h).
constexpr size_t request_limit = 64 * KiB;

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
  Error error = {ErrorKind::failed, fmt::format("PATCH {}: answered {}", url, status)};
  if (status == 401 || status == 403) error.hint = "check the API key: api_key_file or ONECLI_API_KEY";
  if (status == 404) error.hint = "check the secret id: onecli secrets list";
  return error;
}

// PATCH URL/v1/secrets/ID with {"value": TOKEN} or, after 404, URL/api/secrets/ID. Success: 2xx.
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
    status = TRY(patch(request, url, std::max(left, Milliseconds(1))));
  }
  if (status >= 200 && status < 300) return {};
  return refused(url, status);
}

Result<void> run() {
  keep_memory_private();
  const Secret text(TRY(read_to_end(STDIN_FILENO, request_limit, "request")));
  auto request = TRY(read_record<OneCliRequest>(text.reveal(), "request"));
  if (is_host_root()) {
    auto owner = TRY(find_login_owner(request.credentials));
    TRY(become(owner));
  }
  return patch_secret(request);
}

int fail(std::string_view message, std::string_view hint) {
  (void)write_all(STDOUT_FILENO, fmt::format("{}\n{}\n", message, hint), "stdout");
  return static_cast<int>(ExitCode::failed);
}

}  // namespace

}  // namespace oci_oauth

int main(int argc, char** argv) {
  constexpr auto help =
      "usage: oci-oauth-onecli <REQUEST\n\nupdates a OneCLI secret for oci-oauth(1), which starts it\n";
  if (const auto answered = oci_oauth::answer_standard_options(argc, argv, "oci-oauth-onecli", help))
    return *answered;
  if (const auto started = oci_oauth::check_request_is_piped(argc, argv); !started)
    return static_cast<int>(report(oci_oauth::Log::to_stderr("oci-oauth-onecli"), started.error()));
  try {
    const auto done = oci_oauth::run();
    return done ? 0 : oci_oauth::fail(done.error().message, done.error().hint);
  } catch (const std::exception& error) {
    return oci_oauth::fail(error.what(), "");
  }
}
