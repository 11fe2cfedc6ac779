// SPDX-License-Identifier: Apache-2.0
#include "store/http_store.h"

#include <algorithm>
#include <random>
#include <thread>
#include <utility>

#include "base/fmt.h"
#include "base/json.h"
#include "http/retry_after.h"
#include "store/open_store.h"

namespace oci_oauth {

namespace {

// With one request, and with one pause that it asks for.
constexpr Milliseconds patience = std::chrono::seconds(2);

constexpr long ok = 200, too_many = 429;

// A server that has too much to do has not looked at the request, so it can be sent again.
RequestResult send_patiently(const HttpRequest& request) {
  auto result = send_request(request);
  const auto* const reply = std::get_if<HttpReply>(&result);
  if (reply == nullptr || reply->status != too_many) return result;
  const auto pause = parse_retry_after(reply->retry_after, now());
  if (!pause || *pause > patience) return result;
  std::this_thread::sleep_for(*pause);
  return send_request(request);
}

}  // namespace

HttpStore::HttpStore(Engine engine, std::vector<std::string> servers, FleetConfig config,
                     ClientIdentity identity)
    : config_(std::move(config)),
      engine_(std::move(engine)),
      servers_(std::move(servers)),
      identity_(std::move(identity)),
      at_(std::random_device()() % servers_.size()) {}

Result<HttpRequest> HttpStore::request(const char* method, std::string path, Secret body) const {
  HttpRequest request;
  request.method = method;
  request.url = std::move(path);
  request.body = std::move(body);
  request.content_type = "application/json";
  request.ca_file = config_.ca_file;
  request.connect_timeout = request.total_timeout = patience;
  request.longest_answer = longest_answer;
  if (!identity_.certificate.empty()) request.identity = &identity_;
  return request;
}

Error HttpStore::and_also(Error reasons, const Error& why) const {
  const std::string server = servers_[at_].substr(servers_[at_].find("//") + 2);
  const bool is_named = why.message.find(server) != std::string::npos;
  const std::string reason = is_named ? why.message : fmt::format("{}: {}", server, why.message);
  if (reasons.message.empty()) return {reasons.kind, fmt::format("{}: {}", engine_.name, reason), why.hint};
  if (reasons.message.find(reason) == std::string::npos) reasons.message += "; " + reason;
  if (!why.hint.empty()) reasons.hint = why.hint;
  return reasons;
}

Result<HttpReply> HttpStore::answer(const HttpRequest& request) const {
  auto result = send_patiently(request);
  if (const auto* const failure = std::get_if<RequestFailure>(&result))
    return Error{ErrorKind::temporary, failure->message};
  auto& reply = std::get<HttpReply>(result);
  if (reply.status == ok) return std::move(reply);
  return refusal(reply);
}

Result<Written> HttpStore::write_once(
    HttpRequest request, const std::function<std::optional<Written>(const HttpReply&)>& meaning) {
  return in_turn([&, path = request.url](const std::string& server) -> Result<Written> {
    request.url = server + path;
    const auto result = send_patiently(request);
    if (const auto* const failure = std::get_if<RequestFailure>(&result)) {
      if (failure->sent == RequestFailure::Sent::no) return Error{ErrorKind::temporary, failure->message};
      go_on();
      return Written::unknown;
    }
    const auto& reply = std::get<HttpReply>(result);
    if (const auto written = meaning(reply)) return *written;
    Error refused = refusal(reply);
    refused.kind = ErrorKind::failed;
    return refused;
  });
}

Result<void> HttpStore::follow_changes(std::vector<HttpRequest> requests, SteadyTime deadline,
                                       const ReadLine& read, const Changed& changed) {
  std::vector<std::string> paths;
  for (const HttpRequest& request : requests) paths.push_back(request.url);
  return in_turn([&](const std::string& server) {
    for (size_t i = 0; i < requests.size(); ++i) requests[i].url = server + paths[i];
    return follow_here(requests, deadline, read, changed);
  });
}

Result<void> HttpStore::follow_here(const std::vector<HttpRequest>& requests, SteadyTime deadline,
                                    const ReadLine& read, const Changed& changed) const {
  bool is_enough = false;
  // A stream that has begun and is lost may have missed changes, so that all are listed again.
  ErrorKind kind = ErrorKind::temporary;
  std::optional<Error> error;
  const auto end = follow_lines(requests, deadline, [&](size_t which, std::string_view line) {
    auto changes = read(which, line);
    if (!changes) {
      error = std::move(changes).error();
      return false;
    }
    kind = ErrorKind::failed;
    is_enough = !std::ranges::all_of(*changes, [&](KeyChange& change) { return changed(std::move(change)); });
    return !is_enough;
  });
  if (error) return Error{kind, error->message};
  if (const auto* const failure = std::get_if<RequestFailure>(&end.result))
    return Error{kind, failure->message};
  if (is_enough || std::chrono::steady_clock::now() >= deadline) return {};
  const auto& reply = std::get<HttpReply>(end.result);
  if (reply.status != ok && !end.rest.empty())
    return refusal({.status = reply.status, .body = Secret(end.rest)});
  if (const auto rest = read(end.which, end.rest); !end.rest.empty() && !rest)
    return Error{kind, rest.error().message};
  return Error{kind, "the stream of changes was ended"};
}

Result<StoreSight> HttpStore::examine() {
  return ask(TRY(request("GET", "/version", {})), [this](const HttpReply& reply) -> Result<StoreSight> {
    const auto json = parse_json(reply.body.reveal(), "its version");
    const auto version = json ? json_string(*json, engine_.version_member) : std::nullopt;
    if (!version) return engine_.not_such;
    return StoreSight{engine_.name, std::string(version->substr(version->starts_with('v'))),
                      parse_http_date(reply.date)};
  });
}

std::unique_ptr<RecordStore> open_store(const FleetConfig& config, ClientIdentity identity) {
  return config.kubernetes ? open_kubernetes(config, std::move(identity))
                           : open_etcd(config, std::move(identity));
}

}  // namespace oci_oauth
