// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/kubernetes_store.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/file.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/text.h"
#include "fleet/record.h"
#include "http/http_request.h"
#include "http/retry_after.h"
#include "kubernetes/secret.h"

namespace oci_oauth {

namespace {

using kubernetes::SecretList;
using kubernetes::SecretSight;

constexpr Milliseconds patience =
    std::chrono::seconds(2);  // with one request, and one pause that it asks for

// A Secret is 1 MiB at most, base64 makes it larger, and a client's `kubectl apply` may have noted it again.
constexpr size_t longest_answer = 4 * MiB, longest_token = 64 * KiB;

enum Status { unauthorized = 401, not_found = 404, conflict = 409, unprocessable = 422, too_many = 429 };

class KubernetesStore final : public RecordStore {
 public:
  explicit KubernetesStore(KubernetesAccess access) : access_(std::move(access)) {}

  Result<std::optional<Stored>> read(std::string_view key) override {
    auto list = TRY(look(key));
    if (!list.found) return std::optional<Stored>();
    return std::move(list.found->stored);
  }
  Result<Written> write(std::string_view key, std::string_view bytes,
                        const std::optional<Stored>& expected) override;
  Result<Listing> list(std::string_view prefix) override;
  Result<void> follow(std::string_view prefix, const Listing& after, SteadyTime deadline,
                      const std::function<bool(KeyChange)>& changed) override;
  Result<StoreSight> examine() override;

 private:
  std::string server() const { return access_.server.substr(access_.server.find("//") + 2); }
  Error error(std::string_view reason) const {
    const bool is_named = reason.find(server()) != std::string_view::npos;
    return {ErrorKind::temporary, is_named ? fmt::format("kubernetes: {}", reason)
                                           : fmt::format("kubernetes: {}: {}", server(), reason)};
  }
  Error refused(const HttpReply& reply) const;
  std::string secrets() const { return fmt::format("/api/v1/namespaces/{}/secrets", access_.name_space); }
  std::string by_name(std::string_view name) const {
    return fmt::format("{}?fieldSelector=metadata.name%3D{}", secrets(), name);
  }
  std::vector<std::string> keys_below(std::string_view prefix) const;

  Result<HttpRequest> request(const char* method, std::string_view path) const;
  Result<HttpReply> get(std::string_view path) const;
  Result<SecretList> look(std::string_view key) const;
  Result<Written> send(HttpRequest request, std::string_view bytes) const;

  const KubernetesAccess access_;
};

Result<HttpRequest> KubernetesStore::request(const char* method, std::string_view path) const {
  HttpRequest request;
  request.url = access_.server + std::string(path);
  request.method = method;
  request.ca_file = access_.ca_file;
  request.connect_timeout = request.total_timeout = patience;
  request.longest_answer = longest_answer;
  request.content_type = "application/json";
  if (!access_.identity.certificate.empty()) request.identity = &access_.identity;
  if (access_.token_file.empty()) return request;
  auto token = read_file({.path = access_.token_file}, longest_token);
  if (!token) return error(fmt::format("token_file: {}", token.error().message));
  request.bearer = Secret(trimmed(*token, " \t\r\n"));
  wipe(*token);
  return request;
}

Error KubernetesStore::refused(const HttpReply& reply) const {
  std::string reason = kubernetes::read_refusal(reply.status, reply.body.reveal()).reason;
  if (reply.status == unauthorized)
    reason = access_.token_file.empty() ? "does not know this client's certificate"
                                        : fmt::format("refuses the token in {}", access_.token_file);
  if (!reply.retry_after.empty())
    reason += fmt::format("; asks to wait {} s", printable(reply.retry_after, 40));
  return error(reason);
}

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

Result<HttpReply> KubernetesStore::get(std::string_view path) const {
  auto result = send_patiently(TRY(request("GET", path)));
  if (const auto* const failure = std::get_if<RequestFailure>(&result)) return error(failure->message);
  auto& reply = std::get<HttpReply>(result);
  if (reply.status != 200) return refused(reply);
  return std::move(reply);
}

// Not a GET of the Secret, because its own version may be too old to be watched from. Without a version in
// the request, the answer is the newest.
Result<SecretList> KubernetesStore::look(std::string_view key) const {
  const std::string name = TRY(kubernetes::secret_name(key));
  const auto reply = TRY(get(by_name(name)));
  auto list = kubernetes::read_list(reply.body.reveal());
  if (!list) return error(list.error().message);
  return list;
}

Result<Written> KubernetesStore::write(std::string_view key, std::string_view bytes,
                                       const std::optional<Stored>& expected) {
  const std::string name = TRY(kubernetes::secret_name(key));
  std::optional<SecretSight> there;
  if (expected) {
    there = kubernetes::sight_of(*expected);
  } else {
    there = TRY(look(key)).found;
    if (there && there->stored) return Written::no;
  }
  HttpRequest sent = TRY(request(there ? "PATCH" : "POST", there ? secrets() + "/" + name : secrets()));
  if (there) sent.content_type = "application/json-patch+json";
  sent.body = there ? kubernetes::patch(*there, bytes) : kubernetes::new_secret(name, bytes);
  return send(std::move(sent), bytes);
}

Result<Written> KubernetesStore::send(HttpRequest request, std::string_view bytes) const {
  const auto result = send_patiently(request);
  if (const auto* const failure = std::get_if<RequestFailure>(&result)) {
    if (failure->sent == RequestFailure::Sent::perhaps) return Written::unknown;
    return error(failure->message);
  }
  const auto& reply = std::get<HttpReply>(result);
  if (reply.status == 200 || reply.status == 201) {
    const auto written = kubernetes::read_secret(reply.body.reveal());
    return written && written->stored && written->stored->bytes == bytes ? Written::yes : Written::unknown;
  }
  if (reply.status < 400 || reply.status >= 500) return Written::unknown;
  const auto refusal = kubernetes::read_refusal(reply.status, reply.body.reveal());
  const bool is_something_else = reply.status == conflict ||
                                 (reply.status == not_found && !refusal.is_about_namespace) ||
                                 (reply.status == unprocessable && !refusal.is_about_value);
  if (is_something_else) return Written::no;
  return refused(reply);
}

// A record's whole key is that of no other one.
std::vector<std::string> KubernetesStore::keys_below(std::string_view prefix) const {
  if (kubernetes::secret_name(prefix)) return {std::string(prefix)};
  std::vector<std::string> keys;
  for (const std::string& profile : access_.profiles) {
    for (std::string key : {login_key(profile), access_key(profile)}) {
      if (key.starts_with(prefix)) keys.push_back(std::move(key));
    }
  }
  return keys;
}

// The versions of the lists, with commas between them.
Result<Listing> KubernetesStore::list(std::string_view prefix) {
  Listing listing;
  std::vector<std::string> keys = keys_below(prefix);
  if (keys.empty()) return Error::configuration("no profile has \"fleet\": true");
  for (std::string& key : keys) {
    auto list = TRY(look(key));
    listing.version += listing.version.empty() ? list.resource_version : "," + list.resource_version;
    if (list.found && list.found->stored)
      listing.entries.push_back({std::move(key), std::move(list.found->stored)});
  }
  return listing;
}

// A connection for each key: a Role that names Secrets permits a watch of one name only. The streams are
// shorter than what a server remembers, so they need no bookmarks, which would wake up each host.
Result<void> KubernetesStore::follow(std::string_view prefix, const Listing& after, SteadyTime deadline,
                                     const std::function<bool(KeyChange)>& changed) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(deadline - std::chrono::steady_clock::now());
  const std::vector<std::string> keys = keys_below(prefix);
  std::vector<HttpRequest> requests;
  std::string_view versions = after.version;
  for (const std::string& key : keys) {
    const std::string_view version = versions.substr(0, versions.find(','));
    versions.remove_prefix(std::min(versions.size(), version.size() + 1));
    const std::string path = fmt::format(
        "{}&watch=1&resourceVersion={}&timeoutSeconds={}", by_name(TRY(kubernetes::secret_name(key))),
        percent_encode(version).reveal(), std::max<long>(left.count(), 0) + 60);
    requests.push_back(TRY(request("GET", path)));
  }
  std::optional<Error> failed;
  bool is_enough = false;
  const auto end = follow_lines(requests, deadline, [&](size_t which, std::string_view line) {
    auto event = kubernetes::read_event(line);
    if (!event) failed = error(event.error().message);
    if (event && event->is_change) is_enough = !changed({keys[which], std::move(event->stored)});
    return event && !is_enough;
  });
  if (failed) return std::move(*failed);
  if (const auto* const failure = std::get_if<RequestFailure>(&end.result)) return error(failure->message);
  if (is_enough || std::chrono::steady_clock::now() >= deadline) return {};
  if (const auto last = kubernetes::read_event(end.rest); !end.rest.empty() && !last)
    return error(last.error().message);
  return error("the stream of changes was ended");
}

Result<StoreSight> KubernetesStore::examine() {
  const auto reply = TRY(get("/version"));
  const auto json = parse_json(reply.body.reveal(), "its version");
  const auto version = json && json->IsObject() ? json_string(*json, "gitVersion") : std::nullopt;
  if (!version) return error("its answer is not one of the Kubernetes API's");
  return StoreSight{"kubernetes", std::string(version->substr(version->starts_with('v'))),
                    parse_http_date(reply.date)};
}

}  // namespace

std::unique_ptr<RecordStore> open_kubernetes(KubernetesAccess access) {
  return std::make_unique<KubernetesStore>(std::move(access));
}

}  // namespace oci_oauth
