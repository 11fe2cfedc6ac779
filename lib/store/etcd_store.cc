// SPDX-License-Identifier: Apache-2.0
// The records of a fleet in etcd 3.4 or later, through its JSON gateway. Nothing depends on leases, locks or
// etcd's users: a member knows this host by its certificate.
#include <utility>

#include "store/etcd_messages.h"
#include "store/http_store.h"

namespace oci_oauth {

namespace {

constexpr size_t longest_listing = 16 * MiB;

// What etcd's manual says ("Maintenance", "Space quota"), with its own options in ETCDCTL_*.
constexpr const char* free_space =
    R"-(etcdctl compact "$(etcdctl endpoint status -w fields | sed -n 's/^"Revision" : //p' | head -n 1)")-"
    " && etcdctl defrag --cluster && etcdctl alarm disarm";

class EtcdStore final : public HttpStore {
 public:
  EtcdStore(const FleetConfig& config, ClientIdentity identity)
      : HttpStore({"etcd", "etcdserver", etcd::not_such()}, config.endpoints, config, std::move(identity)) {}

  Result<std::optional<Stored>> read(std::string_view key) override {
    Listing found = TRY(range(key, {}, longest_answer));
    if (found.entries.empty()) return std::optional<Stored>();
    return std::move(found.entries.front().stored);
  }
  Result<Written> write(std::string_view key, std::string_view bytes,
                        const std::optional<Stored>& expected) override;
  Result<Listing> list(std::string_view prefix) override {
    return range(prefix, etcd::range_end(prefix), longest_listing);
  }
  Result<void> follow(std::string_view prefix, const Listing& after, SteadyTime deadline,
                      const Changed& changed) override;

 private:
  Error refusal(const HttpReply& reply) const override;
  Result<Listing> range(std::string_view key, std::string_view end, size_t longest);
};

Error EtcdStore::refusal(const HttpReply& reply) const {
  std::string reason = etcd::read_refusal(reply.status, reply.body.reveal()).reason;
  const bool is_full = reason.find("database space exceeded") != std::string::npos;
  return {ErrorKind::temporary, std::move(reason), is_full ? free_space : ""};
}

Result<Listing> EtcdStore::range(std::string_view key, std::string_view end, size_t longest) {
  HttpRequest asked = TRY(request("POST", "/v3/kv/range", etcd::range_request(key, end)));
  asked.longest_answer = longest;
  return ask(std::move(asked), [](const HttpReply& reply) { return etcd::read_range(reply.body.reveal()); });
}

Result<Written> EtcdStore::write(std::string_view key, std::string_view bytes,
                                 const std::optional<Stored>& expected) {
  const auto meaning = [](const HttpReply& reply) -> std::optional<Written> {
    if (reply.status != 200) {
      const bool is_certain = etcd::read_refusal(reply.status, reply.body.reveal()).is_certain;
      return is_certain ? std::nullopt : std::optional(Written::unknown);
    }
    const auto written = etcd::read_put_if(reply.body.reveal());
    if (!written) return Written::unknown;
    return *written ? Written::yes : Written::no;
  };
  return write_once(TRY(request("POST", "/v3/kv/txn", etcd::put_if_request(key, bytes, expected))), meaning);
}

Result<void> EtcdStore::follow(std::string_view prefix, const Listing& after, SteadyTime deadline,
                               const Changed& changed) {
  std::vector<HttpRequest> requests;
  requests.push_back(
      TRY(request("POST", "/v3/watch",
                  etcd::watch_request(prefix, etcd::range_end(prefix), std::stoll(after.version) + 1))));
  requests[0].longest_answer = longest_listing;
  // A member that has lost its leader ends the stream, instead of keeping it silent:
  // rpctypes/metadatafields.go.
  requests[0].headers = {"Grpc-Metadata-Hasleader: true"};
  return follow_changes(
      std::move(requests), deadline, [](size_t, std::string_view line) { return etcd::read_watch(line); },
      changed);
}

}  // namespace

std::unique_ptr<RecordStore> open_etcd(const FleetConfig& config, ClientIdentity identity) {
  return std::make_unique<EtcdStore>(config, std::move(identity));
}

}  // namespace oci_oauth
