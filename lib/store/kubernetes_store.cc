// SPDX-License-Identifier: Apache-2.0
// The records of a fleet as Secrets of one namespace, through the Kubernetes API. Each record is read and
// watched by its name, so that a Role can name the Secrets that a host may see.
#include <algorithm>
#include <utility>

#include "base/file.h"
#include "base/fmt.h"
#include "base/text.h"
#include "fleet/record.h"
#include "store/http_store.h"
#include "store/kubernetes_messages.h"

namespace oci_oauth {

namespace {

using kubernetes::SecretList;
using kubernetes::SecretSight;

constexpr size_t longest_token = 64 * KiB;

enum Status { created = 201, unauthorized = 401, not_found = 404, conflict = 409, unprocessable = 422 };

class KubernetesStore final : public HttpStore {
 public:
  KubernetesStore(const FleetConfig& config, ClientIdentity identity)
      : HttpStore({"kubernetes", "gitVersion", kubernetes::not_such()}, {config.kubernetes->server}, config,
                  std::move(identity)) {}

  Result<std::optional<Stored>> read(std::string_view key) override {
    SecretList list = TRY(look(key));
    if (!list.found) return std::optional<Stored>();
    return std::move(list.found->stored);
  }
  Result<Written> write(std::string_view key, std::string_view bytes,
                        const std::optional<Stored>& expected) override;
  Result<Listing> list(std::string_view prefix) override;
  Result<void> follow(std::string_view prefix, const Listing& after, SteadyTime deadline,
                      const Changed& changed) override;

 private:
  Result<HttpRequest> request(const char* method, std::string path, Secret body) const override;
  Error refusal(const HttpReply& reply) const override;
  std::string secrets() const {
    return fmt::format("/api/v1/namespaces/{}/secrets", config_.kubernetes->name_space);
  }
  std::string by_name(std::string_view name) const {
    return fmt::format("{}?fieldSelector=metadata.name%3D{}", secrets(), name);
  }
  std::vector<std::string> keys_below(std::string_view prefix) const;
  Result<SecretList> look(std::string_view key);
};

// The token is read anew for each connection, because a service account's is replaced while it runs.
Result<HttpRequest> KubernetesStore::request(const char* method, std::string path, Secret body) const {
  HttpRequest request = TRY(HttpStore::request(method, std::move(path), std::move(body)));
  if (!config_.is_known_by_token()) return request;
  auto token = read_file({.path = config_.kubernetes->token_file}, longest_token);
  if (!token) return and_also({ErrorKind::temporary, ""}, std::move(token).error().in("token_file"));
  request.bearer = Secret(trimmed(*token, " \t\r\n"));
  wipe(*token);
  return request;
}

Error KubernetesStore::refusal(const HttpReply& reply) const {
  std::string reason = kubernetes::read_refusal(reply.status, reply.body.reveal()).reason;
  if (reply.status == unauthorized)
    reason = config_.is_known_by_token()
                 ? fmt::format("refuses the token in {}", config_.kubernetes->token_file)
                 : "does not know this client's certificate";
  if (!reply.retry_after.empty())
    reason += fmt::format("; asks to wait {} s", printable(reply.retry_after, 40));
  return {ErrorKind::temporary, std::move(reason)};
}

// Not a GET of the Secret, because its own version may be too old to be watched from. Without a version in
// the request, the answer is the newest.
Result<SecretList> KubernetesStore::look(std::string_view key) {
  const std::string name = TRY(kubernetes::secret_name(key));
  return ask(TRY(request("GET", by_name(name), {})),
             [](const HttpReply& reply) { return kubernetes::read_list(reply.body.reveal()); });
}

Result<Written> KubernetesStore::write(std::string_view key, std::string_view bytes,
                                       const std::optional<Stored>& expected) {
  const std::string name = TRY(kubernetes::secret_name(key));
  const auto there = expected ? kubernetes::sight_of(*expected) : TRY(look(key)).found;
  if (!expected && there && there->stored) return Written::no;
  HttpRequest sent = there ? TRY(request("PATCH", secrets() + "/" + name, kubernetes::patch(*there, bytes)))
                           : TRY(request("POST", secrets(), kubernetes::new_secret(name, bytes)));
  if (there) sent.content_type = "application/json-patch+json";
  return write_once(std::move(sent), [bytes](const HttpReply& reply) -> std::optional<Written> {
    if (reply.status == 200 || reply.status == created) {
      const auto made = kubernetes::read_secret(reply.body.reveal());
      return made && made->stored && made->stored->bytes == bytes ? Written::yes : Written::unknown;
    }
    if (reply.status < 400 || reply.status >= 500) return Written::unknown;
    const auto refusal = kubernetes::read_refusal(reply.status, reply.body.reveal());
    const bool is_something_else = reply.status == conflict ||
                                   (reply.status == not_found && !refusal.is_about_namespace) ||
                                   (reply.status == unprocessable && !refusal.is_about_value);
    return is_something_else ? std::optional(Written::no) : std::nullopt;
  });
}

// A record's whole key is that of no other one.
std::vector<std::string> KubernetesStore::keys_below(std::string_view prefix) const {
  if (kubernetes::secret_name(prefix)) return {std::string(prefix)};
  std::vector<std::string> keys;
  for (const std::string& profile : config_.profiles) {
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
                                     const Changed& changed) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(deadline - std::chrono::steady_clock::now());
  const std::vector<std::string> keys = keys_below(prefix);
  std::vector<HttpRequest> requests;
  std::string_view versions = after.version;
  for (const std::string& key : keys) {
    std::string path = fmt::format(
        "{}&watch=1&resourceVersion={}&timeoutSeconds={}", by_name(TRY(kubernetes::secret_name(key))),
        percent_encode(next_part(versions, ',')).reveal(), std::max<long>(left.count(), 0) + 60);
    requests.push_back(TRY(request("GET", std::move(path), {})));
  }
  return follow_changes(
      std::move(requests), deadline,
      [&](size_t which, std::string_view line) { return kubernetes::read_event(line, keys[which]); },
      changed);
}

}  // namespace

std::unique_ptr<RecordStore> open_kubernetes(const FleetConfig& config, ClientIdentity identity) {
  return std::make_unique<KubernetesStore>(config, std::move(identity));
}

}  // namespace oci_oauth
