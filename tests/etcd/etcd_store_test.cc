// SPDX-License-Identifier: Apache-2.0
// In tests/fleet/lab, beside three real members.
#include "store/open_store.h"

#include <signal.h>

#include <cstdlib>
#include <sstream>
#include <thread>

#include "base/base64.h"
#include "base/json.h"
#include "fleet/store_contract.h"
#include "http/http_request.h"
#include "support/catch.h"
#include "support/temp_dir.h"

namespace {

std::string lab(std::string_view name) {
  return std::string(::getenv("LAB")) + "/" + std::string(name);
}

std::vector<std::string> all_endpoints() {
  std::istringstream lines(file_content(lab("endpoints")));
  std::vector<std::string> endpoints;
  for (std::string line; std::getline(lines, line);) endpoints.push_back(line);
  return endpoints;
}

ClientIdentity client(const char* certificate = "client.pem") {
  return {file_content(lab(certificate)), Secret(file_content(lab("client.key")))};
}

std::unique_ptr<RecordStore> open_etcd(std::vector<std::string> endpoints = all_endpoints(),
                                       ClientIdentity identity = client(), const char* authority = "ca.pem") {
  FleetConfig config;
  config.endpoints = std::move(endpoints);
  config.ca_file = lab(authority);
  return oci_oauth::open_store(config, std::move(identity));
}

// A request to the first member that the store does not make.
std::string administer(const std::string& path, const std::string& body, size_t member = 0) {
  const ClientIdentity identity = client();
  HttpRequest request;
  request.url = all_endpoints()[member] + path;
  request.ca_file = lab("ca.pem");
  request.content_type = "application/json";
  request.body = Secret(std::string_view(body));
  request.identity = &identity;
  const auto result = send_request(request);
  const auto* const reply = std::get_if<HttpReply>(&result);
  return reply != nullptr ? std::string(reply->body.reveal()) : std::get<RequestFailure>(result).message;
}

// The numbers of the members but the leader.
std::vector<size_t> those_led() {
  std::vector<size_t> led;
  for (size_t member = 0; member < all_endpoints().size(); ++member) {
    const auto status = *parse_json(administer("/v3/maintenance/status", "{}", member), "status");
    if (json_string(status, "leader") != json_string(*json_member(status, "header"), "member_id"))
      led.push_back(member);
  }
  return led;
}

// A member that does not run for as long as this lives.
class Paused {
 public:
  explicit Paused(size_t member)
      : pid_(std::stoi(file_content(lab("m" + std::to_string(member + 1) + ".pid")))) {
    ::kill(pid_, SIGSTOP);
  }
  ~Paused() { ::kill(pid_, SIGCONT); }
  Paused(const Paused&) = delete;
  Paused& operator=(const Paused&) = delete;

 private:
  pid_t pid_;
};

// Until the members have a leader again.
void settle(RecordStore& store) {
  const auto bound = in(15s);
  while (!store.read("/settled") && std::chrono::steady_clock::now() < bound) {
  }
}

}  // namespace

namespace oci_oauth::test {

const std::string_view engine = "etcd";

std::unique_ptr<RecordStore> open_store() {
  return open_etcd();
}
void remove_record(const std::string& key) {
  administer("/v3/kv/deleterange", R"({"key":")" + base64(key) + R"("})");
}
Listing forgotten_listing() {
  const auto store = open_store();
  const auto before = *store->list(access_prefix);
  (void)store->write(access_key("a"), "1", none);
  (void)store->write(access_key("a"), "2", *store->read(access_key("a")));
  administer("/v3/kv/compaction", R"({"revision":")" + store->list(access_prefix)->version + R"("})");
  return before;
}

}  // namespace oci_oauth::test

TEST_CASE("members that cannot be reached are passed over") {
  const auto endpoints = all_endpoints();
  for (int round = 0; round < 8; ++round) {
    const auto store = open_etcd({"https://10.77.0.1:1", endpoints[0], "https://10.77.0.1:2"});
    CHECK(store->read("/any"));
  }
  const auto store = open_etcd({"https://10.77.0.1:1", "https://10.77.0.1:2"});
  const auto read = store->read("/any");
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == ErrorKind::temporary);
  for (const char* const reason :
       {"connect to 10.77.0.1:1: connection refused", "connect to 10.77.0.1:2: connection refused"})
    CHECK(read.error().message.find(reason) != std::string::npos);
  CHECK_FALSE(store->write("/any", "x", none));
}

TEST_CASE("waiting for a record does not end with one whose key begins with its key") {
  const auto store = open_etcd();
  for (const char* const key : {"/waited", "/waited for"}) remove_record(key);
  REQUIRE(*store->write("/waited for", "other", none) == Written::yes);
  CHECK(*store->wait("/waited", "", in(100ms)) == none);
  std::jthread writer([] {
    (void)open_store()->write("/waited for", "again", *open_store()->read("/waited for"));
    (void)open_store()->write("/waited", "it", none);
  });
  const auto it = *store->wait("/waited", "", in(10s));
  REQUIRE(it);
  CHECK(it->bytes == "it");
}

TEST_CASE("a member that does not answer costs two seconds, once") {
  const auto endpoints = all_endpoints();
  const auto store = open_etcd();
  settle(*store);
  {
    const size_t silent = those_led().front();
    const Paused paused(silent);
    const auto last = open_etcd({endpoints[silent], endpoints[(silent + 1) % 3]});
    const auto began = std::chrono::steady_clock::now();
    for (int round = 0; round < 6; ++round) CHECK(last->read("/any"));
    CHECK(std::chrono::steady_clock::now() - began < 2s + 2s);
  }
  settle(*store);
}

TEST_CASE("without a majority nothing is read, and it is not known what is written") {
  const auto endpoints = all_endpoints();
  const auto store = open_etcd();
  const auto one = open_etcd({endpoints[0]});
  settle(*store);
  remove_record("/test/minority");
  {
    const Paused second(1), third(2);
    CHECK(*one->write("/test/minority", "perhaps", none) == Written::unknown);
    CHECK_FALSE(one->read("/test/minority"));
  }
  settle(*store);
  const auto read = store->read("/test/minority");
  REQUIRE(read);
  // Whichever it is, it stays.
  CHECK(*store->write("/test/minority", "next", *read) == Written::yes);
}

TEST_CASE("a member that has lost its leader ends its streams") {
  const auto endpoints = all_endpoints();
  const auto store = open_etcd();
  settle(*store);
  const auto one = open_etcd({endpoints[0]});
  const auto listing = one->list("/quiet/");
  {
    const Paused second(1), third(2);
    const auto done = one->follow("/quiet/", *listing, in(20s), [](const KeyChange&) { return true; });
    REQUIRE_FALSE(done);
    CHECK(done.error().message.find("no leader") != std::string::npos);
  }
  settle(*store);
}

TEST_CASE("a full store is told, and certainly not written to") {
  const auto store = open_etcd();
  const std::string alarm = R"("memberID":"0","alarm":"NOSPACE"})";
  administer("/v3/maintenance/alarm", R"({"action":"ACTIVATE",)" + alarm);
  const auto written = store->write("/test/full", "x", none);
  administer("/v3/maintenance/alarm", R"({"action":"DEACTIVATE",)" + alarm);
  REQUIRE_FALSE(written);
  CHECK(written.error().message.find("database space exceeded") != std::string::npos);
  CHECK(written.error().hint.find("etcdctl alarm disarm") != std::string::npos);
  CHECK(*store->read("/test/full") == none);
}

TEST_CASE("certificates that are not accepted are told as what they are") {
  const auto refused = [](ClientIdentity identity, const char* authority = "ca.pem") {
    const auto store = open_etcd({all_endpoints()[0]}, std::move(identity), authority);
    const auto read = store->read("/any");
    return read ? "" : read.error().message;
  };
  const std::string expired = refused(client("expired.pem"));
  CAPTURE(expired);
  CHECK(expired.find("this client's certificate") != std::string::npos);
  // The words depend on the version, and on whether the refusal or the request is there first.
  const std::string stranger = refused(client("stranger.pem"));
  CAPTURE(stranger);
  CHECK(stranger.starts_with("etcd: 10.77.0.11:2379 "));
  CHECK(stranger.find("this client's certificate") != std::string::npos);
  CHECK(refused(client(), "other-ca.pem") ==
        "etcd: certificate of 10.77.0.11:2379: unable to get local issuer certificate");
  CHECK(refused({"no certificate", Secret(file_content(lab("client.key")))}).find("certificate") !=
        std::string::npos);
}
