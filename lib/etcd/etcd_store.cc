// SPDX-License-Identifier: Apache-2.0
#include "etcd/etcd_store.h"

#include <random>
#include <utility>

#include "base/file.h"
#include "base/fmt.h"
#include "base/json.h"
#include "etcd/gateway.h"
#include "http/http_request.h"
#include "http/retry_after.h"

namespace oci_oauth {

namespace {

using Sent = RequestFailure::Sent;

constexpr Milliseconds patience = std::chrono::seconds(2);  // with one member

// A value is 1.5 MiB at most, unless its administrator wants more, and base64 makes it larger.
constexpr size_t longest_answer = 4 * MiB, longest_listing = 16 * MiB;

// What etcd's manual says ("Maintenance", "Space quota"), with its own options in ETCDCTL_*.
constexpr const char* free_space =
    R"-(etcdctl compact "$(etcdctl endpoint status -w fields | sed -n 's/^"Revision" : //p' | head -n 1)")-"
    " && etcdctl defrag --cluster && etcdctl alarm disarm";

// Every member's reason, once.
class Reasons {
 public:
  void add(const std::string& member, const std::string& reason) {
    const std::string text =
        reason.find(member) != std::string::npos ? reason : fmt::format("{}: {}", member, reason);
    if (text_.find(text) == std::string::npos) text_ += text_.empty() ? text : "; " + text;
  }
  Error error() const {
    Error error = {ErrorKind::temporary, "etcd: " + text_};
    if (text_.find("database space exceeded") != std::string::npos) error.hint = free_space;
    return error;
  }

 private:
  std::string text_;
};

class EtcdStore final : public RecordStore {
 public:
  explicit EtcdStore(EtcdMembers members)
      : members_(std::move(members)), at_(std::random_device()() % members_.endpoints.size()) {}

  Result<std::optional<Stored>> read(std::string_view key) override {
    auto answer = TRY(range(key, {}, longest_answer));
    if (answer.entries.empty()) return std::optional<Stored>();
    return std::move(answer.entries.front().stored);
  }
  Result<Written> write(std::string_view key, std::string_view bytes,
                        const std::optional<Stored>& expected) override;
  Result<Listing> list(std::string_view prefix) override {
    auto answer = TRY(range(prefix, etcd::range_end(prefix), longest_listing));
    return Listing{std::move(answer.entries), std::to_string(answer.revision)};
  }
  Result<void> follow(std::string_view prefix, const Listing& after, SteadyTime deadline,
                      const std::function<bool(KeyChange)>& changed) override;
  Result<StoreSight> examine() override;

 private:
  const std::string& endpoint() const { return members_.endpoints[at_]; }
  std::string member() const { return endpoint().substr(endpoint().find("//") + 2); }
  void go_on() { at_ = (at_ + 1) % members_.endpoints.size(); }

  HttpRequest request(const char* path) const;
  // Asks one member after the other until one answers with what `read` takes.
  template <class Read>
  auto ask(HttpRequest request, const char* path, const Read& read) -> decltype(read(HttpReply()));
  Result<etcd::RangeAnswer> range(std::string_view key, std::string_view end, size_t longest);
  Result<void> follow_here(const Secret& asked, SteadyTime deadline,
                           const std::function<bool(KeyChange)>& changed, bool& has_begun);

  EtcdMembers members_;
  size_t at_;  // the member that is asked first: the last one that answered
};

HttpRequest EtcdStore::request(const char* path) const {
  HttpRequest request;
  request.url = endpoint() + path;
  request.ca_file = members_.ca_file;
  request.connect_timeout = request.total_timeout = patience;
  request.longest_answer = longest_answer;
  request.content_type = "application/json";
  request.identity = &members_.identity;
  return request;
}

template <class Read>
auto EtcdStore::ask(HttpRequest request, const char* path, const Read& read) -> decltype(read(HttpReply())) {
  Reasons reasons;
  for (size_t tried = 0; tried < members_.endpoints.size(); ++tried, go_on()) {
    request.url = endpoint() + path;
    auto result = send_request(request);
    if (const auto* const failure = std::get_if<RequestFailure>(&result)) {
      reasons.add(member(), failure->message);
      continue;
    }
    const auto& reply = std::get<HttpReply>(result);
    if (reply.status != 200) {
      reasons.add(member(), etcd::read_refusal(reply.status, reply.body.reveal()).reason);
      continue;
    }
    auto answer = read(reply);
    if (answer) return answer;
    reasons.add(member(), answer.error().message);
  }
  return reasons.error();
}

Result<etcd::RangeAnswer> EtcdStore::range(std::string_view key, std::string_view end, size_t longest) {
  constexpr auto path = "/v3/kv/range";
  HttpRequest asked = request(path);
  asked.longest_answer = longest;
  asked.body = etcd::range_request(key, end);
  return ask(std::move(asked), path,
             [](const HttpReply& reply) { return etcd::read_range(reply.body.reveal()); });
}

Result<Written> EtcdStore::write(std::string_view key, std::string_view bytes,
                                 const std::optional<Stored>& expected) {
  Reasons reasons;
  const Secret body = etcd::put_if_request(key, bytes, expected);
  for (size_t tried = 0; tried < members_.endpoints.size(); ++tried, go_on()) {
    HttpRequest sent = request("/v3/kv/txn");
    sent.body = body.copy();
    const auto result = send_request(sent);
    if (const auto* const failure = std::get_if<RequestFailure>(&result)) {
      if (failure->sent == Sent::perhaps) {
        go_on();
        return Written::unknown;
      }
      reasons.add(member(), failure->message);
      continue;
    }
    const auto& reply = std::get<HttpReply>(result);
    if (reply.status == 200) {
      const auto written = etcd::read_put_if(reply.body.reveal());
      if (!written) return Written::unknown;
      return *written ? Written::yes : Written::no;
    }
    const auto refusal = etcd::read_refusal(reply.status, reply.body.reveal());
    if (!refusal.is_certain) return Written::unknown;
    reasons.add(member(), refusal.reason);
    break;
  }
  return reasons.error();
}

Result<void> EtcdStore::follow(std::string_view prefix, const Listing& after, SteadyTime deadline,
                               const std::function<bool(KeyChange)>& changed) {
  const Secret asked = etcd::watch_request(prefix, etcd::range_end(prefix), std::stoll(after.version) + 1);
  Reasons reasons;
  for (size_t tried = 0; tried < members_.endpoints.size(); ++tried, go_on()) {
    bool has_begun = false;
    auto done = follow_here(asked, deadline, changed, has_begun);
    if (done) return done;
    reasons.add(member(), done.error().message);
    if (!has_begun) continue;
    go_on();  // it may be the member's fault
    break;
  }
  return reasons.error();
}

Result<void> EtcdStore::follow_here(const Secret& asked, SteadyTime deadline,
                                    const std::function<bool(KeyChange)>& changed, bool& has_begun) {
  std::vector<HttpRequest> requests;
  requests.push_back(request("/v3/watch"));
  requests[0].longest_answer = longest_listing;
  requests[0].body = asked.copy();
  // A member that has lost its leader ends the stream, instead of keeping it silent:
  // rpctypes/metadatafields.go.
  requests[0].headers = {"Grpc-Metadata-Hasleader: true"};
  std::optional<Error> error;
  bool is_enough = false;
  const auto end = follow_lines(requests, deadline, [&](size_t, std::string_view line) {
    auto answer = etcd::read_watch(line);
    if (!answer) {
      error = std::move(answer).error();
      return false;
    }
    has_begun = has_begun || answer->is_created;
    for (KeyChange& change : answer->changes) {
      is_enough = !changed(std::move(change));
      if (is_enough) return false;
    }
    return true;
  });
  if (error) return std::move(*error);
  if (const auto* const failure = std::get_if<RequestFailure>(&end.result))
    return Error{ErrorKind::temporary, failure->message};
  if (is_enough || std::chrono::steady_clock::now() >= deadline) return {};
  if (!end.rest.empty()) {
    const long status = std::get<HttpReply>(end.result).status;
    return Error{ErrorKind::temporary, etcd::read_refusal(status, end.rest).reason};
  }
  return Error{ErrorKind::temporary, "the stream of changes was ended"};
}

Result<StoreSight> EtcdStore::examine() {
  constexpr auto path = "/version";
  HttpRequest asked = request(path);
  asked.method = "GET";
  return ask(std::move(asked), path, [](const HttpReply& reply) -> Result<StoreSight> {
    const auto json = TRY(parse_json(reply.body.reveal(), "its version"));
    const auto version = json_string(json, "etcdserver");
    if (!version) return Error{ErrorKind::temporary, "its answer is not one of etcd's"};
    return StoreSight{"etcd", std::string(*version), parse_http_date(reply.date)};
  });
}

}  // namespace

std::unique_ptr<RecordStore> open_etcd(EtcdMembers members) {
  return std::make_unique<EtcdStore>(std::move(members));
}

}  // namespace oci_oauth
