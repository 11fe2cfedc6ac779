// SPDX-License-Identifier: Apache-2.0
// Refreshers of a fleet at a strict server, on a stand-in for the store: one map, with answers that get lost.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>

#include "exchange/exchange_host.h"
#include "exchange/fleet_record.h"

namespace oci_oauth::test {

// What etcd would have, for all hosts of a test.
struct Shelf {
  enum class Loss { none, before, after };  // of a write's answer: it was not made, or made

  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, Stored, std::less<>> records;
  std::uint64_t versions = 0;
  std::optional<Time> clock = {};
  bool is_away = false;
  std::function<Loss(std::string_view key)> loses = {};
  std::function<void(std::string_view key)> before_write = {};
  unsigned writes = 0;
};

class ShelfStore : public RecordStore {
 public:
  explicit ShelfStore(Shelf& shelf) : shelf_(shelf) {}

  Result<std::optional<Stored>> read(std::string_view key) override {
    const std::lock_guard lock(shelf_.mutex);
    if (shelf_.is_away) return away();
    const auto found = shelf_.records.find(key);
    return found == shelf_.records.end() ? std::nullopt : std::optional(found->second);
  }
  Result<Written> write(std::string_view key, std::string_view bytes,
                        const std::optional<Stored>& expected) override {
    if (shelf_.before_write) shelf_.before_write(key);
    const std::lock_guard lock(shelf_.mutex);
    if (shelf_.is_away) return away();
    const auto loss = shelf_.loses ? shelf_.loses(key) : Shelf::Loss::none;
    if (loss == Shelf::Loss::before) return Written::unknown;
    const auto found = shelf_.records.find(key);
    const bool fits =
        found == shelf_.records.end() ? !expected : expected && found->second.bytes == expected->bytes;
    if (!fits) return Written::no;
    ++shelf_.writes;
    shelf_.records[std::string(key)] = {std::string(bytes), std::to_string(++shelf_.versions)};
    shelf_.changed.notify_all();
    return loss == Shelf::Loss::after ? Written::unknown : Written::yes;
  }
  Result<std::optional<Stored>> wait(std::string_view key, const std::string& version,
                                     SteadyTime deadline) override {
    std::unique_lock lock(shelf_.mutex);
    const auto is_other = [&] {
      const auto found = shelf_.records.find(key);
      return found != shelf_.records.end() && found->second.version != version;
    };
    if (!shelf_.changed.wait_until(lock, deadline, is_other)) return std::optional<Stored>();
    return std::optional(shelf_.records.find(key)->second);
  }
  Result<Listing> list(std::string_view) override { return away(); }
  Result<void> follow(std::string_view, const Listing&, SteadyTime,
                      const std::function<bool(KeyChange)>&) override {
    return away();
  }
  Result<StoreSight> examine() override {
    const std::lock_guard lock(shelf_.mutex);
    if (shelf_.is_away) return away();
    return StoreSight{"stand-in", "1", shelf_.clock.value_or(now())};
  }

 private:
  static Error away() { return {ErrorKind::temporary, "the store is away"}; }
  Shelf& shelf_;
};

// The keys that all hosts of a test have, as files.
struct KeyFiles {
  Secret login = Secret(key_line(random_key())), access = Secret(key_line(random_key()));
  Secret signing = random_key();
  std::string signers = key_line(public_half(signing).take());
};

// One refresher: its own directory and journal.
struct FleetHost {
  TempDir home;
  ExchangeRequest request;
  Shelf& shelf;

  FleetHost(const std::string& name, Shelf& on, const KeyFiles& keys, const TokenEndpoint& endpoint)
      : shelf(on) {
    std::filesystem::create_directory(home / "claude");
    request.profile.name = "claude";
    request.profile.credentials = home / "claude/.credentials.json";
    request.profile.token_url = endpoint.url();
    request.profile.ca_file = home.write("ca.pem", TokenEndpoint::ca_pem());
    auto provider = load_provider("claude", {test::providers_of(SOURCE_DIR)});
    REQUIRE(provider);
    request.provider = std::move(*provider);
    request.fleet.emplace();
    request.fleet->config.host = name;
    request.fleet->config.role = FleetRole::refresher;
    request.fleet->config.settle = 0s;
    request.fleet->login = keys.login.copy();
    request.fleet->access = keys.access.copy();
    request.fleet->signing = Secret(key_line(keys.signing));
    request.fleet->signers = Secret(std::string_view(keys.signers));
  }

  ExchangeReport run() { return perform(FleetTask::refresh); }
  ExchangeReport perform(FleetTask task, Force force = Force::no) {
    request.fleet->task = task;
    request.force = force;
    auto report = keep_fresh(
        request, [] { return false; }, [this](const FleetAccess& fleet) { return client(fleet); });
    std::string told = report.failure ? report.failure->message + report.failure->hint : "";
    for (const std::string& notice : report.notices) told += notice;
    CHECK(told.find("sk-ant-") == std::string::npos);
    return report;
  }
  std::string document() const { return home.read("claude/.credentials.json"); }
  std::string journal() const { return home.read("claude/" + journal_name(".credentials.json")); }

  FleetKeys keys() const {
    FleetKeys keys;
    keys.login = read_keys(request.fleet->login.reveal(), "login.key").take();
    keys.access = read_keys(request.fleet->access.reveal(), "access.key").take();
    keys.signing = read_keys(request.fleet->signing.reveal(), "signing.key").take();
    keys.signers = read_keys(request.fleet->signers.reveal(), "signers").take();
    return keys;
  }
  LoginRecord record() const {
    const auto found = shelf.records.find(login_key("claude"));
    REQUIRE(found != shelf.records.end());
    return open_login(found->second.bytes, "claude", keys()).take();
  }
  AccessRecord access() const {
    const auto found = shelf.records.find(access_key("claude"));
    REQUIRE(found != shelf.records.end());
    return open_access(found->second.bytes, "claude", keys()).take();
  }
  // Changes the record as another host would.
  void change(const std::function<void(LoginRecord&)>& edit) {
    LoginRecord login = record();
    ++login.serial;
    login.nonce = random_name();
    edit(login);
    shelf.records[login_key("claude")] = {seal(std::move(login), keys()).take(),
                                          std::to_string(++shelf.versions)};
  }

 private:
  Result<FleetClient> client(const FleetAccess&) const {
    FleetClient client;
    client.store = std::make_unique<ShelfStore>(shelf);
    client.keys = keys();
    return client;
  }
};

// Two refreshers, whose login is in the store, and due.
struct Fleet {
  TokenEndpoint endpoint;
  Shelf shelf;
  KeyFiles keys;
  FleetHost one = {"one", shelf, keys, endpoint}, two = {"two", shelf, keys, endpoint};

  Fleet() {
    log_in(one, -60s);
    REQUIRE_FALSE(one.perform(FleetTask::join).failure);
  }
  void log_in(FleetHost& host, std::chrono::seconds from_now) {
    Login issued = endpoint.issue_login();
    issued.expires_in = from_now;
    host.home.write("claude/.credentials.json", claude_credentials(issued, std::chrono::system_clock::now()));
  }
  bool login_works() const {
    const LoginRecord login = one.record();
    const auto document =
        CredentialDocument::parse(login.document.copy(), "login", one.request.provider.fields);
    return document && endpoint.accepts_refresh_token(std::string(document->login().refresh_token.reveal()));
  }
  size_t posts() const { return endpoint.counters().posts; }
  size_t reuses() const { return endpoint.counters().reuses; }
};

}  // namespace oci_oauth::test
