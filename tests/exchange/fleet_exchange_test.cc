// SPDX-License-Identifier: Apache-2.0
// Exchanges of a login in a fleet's store, which is a stand-in here.
#include <filesystem>
#include <thread>

#include "exchange/exchange.h"
#include "exchange/fleet_host.h"

using namespace oci_oauth;
using namespace std::chrono_literals;
using test::Ending;
using test::Fleet;
using test::FleetHost;
using test::reply;
using test::Shelf;
using test::Stage;

TEST_CASE("joining moves the login into the store, and leaves its access token here") {
  Fleet fleet;
  CHECK(fleet.one.document().find("sk-ant-ort01") == std::string::npos);
  CHECK(fleet.one.document().find("sk-ant-oat01") != std::string::npos);
  CHECK(fleet.one.record().document.reveal().find("sk-ant-ort01") != std::string_view::npos);
  CHECK(fleet.one.record().ordinal == 1);
  CHECK(fleet.one.journal().empty());
  CHECK(fleet.posts() == 0);
}

TEST_CASE("a due login is refreshed once, committed, and published for followers") {
  Fleet fleet;
  const auto report = fleet.two.run();
  CHECK_FALSE(report.failure);
  CHECK(report.refreshed);
  CHECK(fleet.posts() == 1);
  CHECK(fleet.login_works());
  const LoginRecord login = fleet.two.record();
  CHECK(login.generation == 2);
  CHECK_FALSE(login.intent);
  CHECK(login.by == "two");
  CHECK(fleet.two.access().generation == 2);
  CHECK(fleet.two.access().payload.reveal().find("sk-ant-ort01") == std::string_view::npos);
  CHECK(fleet.two.journal().empty());
  CHECK(fleet.two.document().find("sk-ant-ort01") == std::string::npos);
  REQUIRE(report.login);
  CHECK(report.login->expires_at > now() + 7h);
}

TEST_CASE("hosts that refresh at the same time send one request, and all have its token") {
  Fleet fleet;
  ExchangeReport first, second;
  std::thread other([&] { first = fleet.one.run(); });
  second = fleet.two.run();
  other.join();
  CHECK(fleet.posts() == 1);
  CHECK_FALSE(first.failure);
  CHECK_FALSE(second.failure);
  REQUIRE((first.login && second.login));
  CHECK(first.login->access_token_hash == second.login->access_token_hash);
  CHECK(fleet.login_works());
}

TEST_CASE("the loser of a claim sends nothing, and takes the winner's token") {
  Fleet fleet;
  bool is_first = true;
  fleet.shelf.before_write = [&](std::string_view key) {
    if (key != login_key("claude") || !is_first) return;
    is_first = false;
    CHECK_FALSE(fleet.two.run().failure);
  };
  const auto report = fleet.one.run();
  CHECK_FALSE(report.failure);
  CHECK_FALSE(report.refreshed);
  CHECK(fleet.posts() == 1);
  CHECK(report.login->expires_at > now() + 7h);
  CHECK(fleet.one.journal().empty());
}

TEST_CASE("while the store is away nobody refreshes") {
  Fleet fleet;
  fleet.shelf.is_away = true;
  REQUIRE(fleet.one.run().failure);
  CHECK(fleet.posts() == 0);
  fleet.shelf.is_away = false;
  CHECK(fleet.one.run().refreshed);
  CHECK(fleet.reuses() == 0);
}

TEST_CASE("a store that goes away after the answer gets it with the next run, without a request") {
  Fleet fleet;
  fleet.endpoint.script({.at = Stage::rotated, .meanwhile = [&] { fleet.shelf.is_away = true; }});
  const auto report = fleet.one.run();
  CHECK(report.failure);
  CHECK_FALSE(fleet.one.journal().empty());
  fleet.shelf.is_away = false;
  CHECK_FALSE(fleet.one.run().failure);
  CHECK(fleet.posts() == 1);
  CHECK(fleet.login_works());
  CHECK(fleet.one.record().generation == 2);
  CHECK(fleet.one.journal().empty());
}

TEST_CASE("an answer whose record is garbage meanwhile stays in the journal, and is not lost") {
  Fleet fleet;
  Stored before;
  fleet.endpoint.script({.at = Stage::rotated, .meanwhile = [&] {
                           Stored& record = fleet.shelf.records[login_key("claude")];
                           before = record;
                           record.bytes = "garbage";
                         }});
  const auto report = fleet.one.run();
  CHECK(report.failure);
  CHECK_FALSE(fleet.one.journal().empty());
  fleet.shelf.records[login_key("claude")] = before;
  CHECK_FALSE(fleet.one.run().failure);
  CHECK(fleet.posts() == 1);
  CHECK(fleet.login_works());
}

TEST_CASE("whichever write's answer is lost, one request is sent for each token, and none is lost") {
  for (const auto loss : {Shelf::Loss::before, Shelf::Loss::after}) {
    for (unsigned which = 0; which < 5; ++which) {
      Fleet fleet;
      CAPTURE(which, loss == Shelf::Loss::after);
      unsigned count = 0;
      fleet.shelf.loses = [&](std::string_view) { return count++ == which ? loss : Shelf::Loss::none; };
      (void)fleet.one.run();
      (void)fleet.two.run();
      (void)fleet.one.run();
      CHECK(fleet.posts() == 1);
      CHECK(fleet.reuses() == 0);
      CHECK(fleet.login_works());
      CHECK(fleet.two.access().generation == fleet.two.record().generation);
    }
  }
}

TEST_CASE("after a lost answer nobody sends the token again while the access token lives") {
  Fleet fleet;
  fleet.one.change([](LoginRecord& login) { login.expires_at = now() + 30min; });
  fleet.endpoint.script({.at = Stage::rotated, .ending = Ending::reset});
  auto report = fleet.one.run();
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::unknown);
  REQUIRE(fleet.one.record().intent);
  CHECK(fleet.one.record().intent->by == "one");
  CHECK(fleet.posts() == 1);
}

namespace {

// The host has seen the record and its intent since it booted.
void has_seen_for_long(FleetHost& host) {
  host.request.fleet->config.settle = 0s;
  const std::string shown = host.home / "claude";
  const auto directory = open_file({.path = shown}, O_RDONLY | O_DIRECTORY).take();
  FleetMemory memory = read_memory(directory.get(), shown, ".credentials.json").take();
  const LoginRecord login = host.record();
  memory.look(login.nonce, login.intent->nonce, boot_moment(host.request.fleet->boot));
  memory.first = memory.nonce_first = memory.intent_first = 0s;
  REQUIRE(write_memory(directory.get(), shown, ".credentials.json", memory));
}

}  // namespace

TEST_CASE("a person who knows better takes over, and an answer that was lost is then a dead login") {
  Fleet fleet;
  fleet.endpoint.script({.at = Stage::rotated, .ending = Ending::reset});
  (void)fleet.one.run();
  has_seen_for_long(fleet.two);
  const auto report = fleet.two.perform(FleetTask::takeover, Force::yes);
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::login_required);
  CHECK(fleet.posts() == 2);
  CHECK(fleet.two.record().state == LoginState::dead);
  CHECK(fleet.one.run().failure->kind == FailureKind::login_required);
  CHECK(fleet.posts() == 2);
  // A person logs in again.
  fleet.log_in(fleet.one, -60s);
  CHECK_FALSE(fleet.one.perform(FleetTask::join).failure);
  CHECK(fleet.one.record().ordinal == 2);
  CHECK(fleet.two.run().refreshed);
}

TEST_CASE("a takeover that sends nothing leaves what is known of the lost answer") {
  Fleet fleet;
  fleet.endpoint.script({.at = Stage::rotated, .ending = Ending::reset});
  (void)fleet.one.run();
  has_seen_for_long(fleet.one);
  const std::string journal = fleet.one.journal(), intent = fleet.one.record().intent->nonce;
  fleet.shelf.clock = now() + 1h;
  const auto report = fleet.one.perform(FleetTask::takeover, Force::yes);
  REQUIRE(report.failure);
  CHECK(report.failure->message.find("this host's clock") != std::string::npos);
  CHECK(fleet.posts() == 1);
  CHECK(fleet.one.journal() == journal);
  const LoginRecord login = fleet.one.record();
  CHECK_FALSE(login.rest);
  REQUIRE(login.intent);
  CHECK(login.intent->nonce == intent);
}

TEST_CASE("a pause that the endpoint asks for is the whole fleet's") {
  Fleet fleet;
  fleet.endpoint.script({.reply = reply(429, "{}", {{"Retry-After", "600"}}).reply});
  CHECK(fleet.one.run().failure->kind == FailureKind::throttled);
  REQUIRE(fleet.one.record().rest);
  CHECK_FALSE(fleet.one.record().intent);
  CHECK(fleet.two.run().failure->kind == FailureKind::throttled);
  CHECK(fleet.posts() == 1);
  CHECK(fleet.two.perform(FleetTask::refresh, Force::yes).refreshed);
  CHECK_FALSE(fleet.two.record().rest);
}

TEST_CASE("a store that was turned back, or lost, is healed from memory, and its old token is not sent") {
  Fleet fleet;
  const auto before = fleet.shelf.records;
  REQUIRE(fleet.one.run().refreshed);
  fleet.shelf.records = before;
  CHECK_FALSE(fleet.one.run().refreshed);
  CHECK(fleet.one.record().generation == 2);
  CHECK(fleet.login_works());
  fleet.shelf.records.clear();
  CHECK_FALSE(fleet.one.run().refreshed);
  CHECK(fleet.one.record().generation == 2);
  CHECK(fleet.one.access().generation == 2);
  CHECK(fleet.reuses() == 0);
}

TEST_CASE("a host whose published token is newer than the store's sends nothing") {
  Fleet fleet;
  fleet.two.request.known.published.access_token_hash = std::string(64, 'a');
  fleet.two.request.known.published.expires_at = now() + 8h;
  fleet.two.request.known.history.fleet = FleetArrival{.login = 1, .generation = 2};
  const auto report = fleet.two.run();
  REQUIRE(report.failure);
  CHECK(report.failure->message.find("older access token") != std::string::npos);
  CHECK(fleet.posts() == 0);
}

TEST_CASE("a login that replaced the published one is refreshed, also if its token ends sooner") {
  Fleet fleet;
  fleet.two.request.known.published.access_token_hash = std::string(64, 'a');
  fleet.two.request.known.published.expires_at = now() + 8h;
  fleet.two.request.known.history.fleet = FleetArrival{.login = 0, .generation = 9};
  CHECK(fleet.two.run().refreshed);
}

TEST_CASE("a host that is new to the store waits before it refreshes") {
  Fleet fleet;
  fleet.two.request.fleet->config.settle = 2min;
  const auto report = fleet.two.run();
  REQUIRE(report.failure);
  CHECK(report.failure->kind == FailureKind::busy);
  REQUIRE(report.failure->retry_after);
  CHECK(*report.failure->retry_after <= 2min);
  CHECK(fleet.posts() == 0);
  // The one who joined is not new.
  fleet.one.request.fleet->config.settle = 2min;
  CHECK(fleet.one.run().refreshed);
}

TEST_CASE("a host whose clock is wrong sends nothing") {
  for (const auto off : {-1h, 1h, 72h}) {
    Fleet fleet;
    fleet.shelf.clock = now() + off;
    const auto report = fleet.one.run();
    REQUIRE(report.failure);
    CHECK(report.failure->message.find("this host's clock") != std::string::npos);
    CHECK(fleet.posts() == 0);
  }
}

TEST_CASE("what is not a record stops the fleet, and no request is sent") {
  for (const std::string& bytes :
       {std::string("garbage"), std::string("{}"), std::string(longest_record + 1, ' ')}) {
    Fleet fleet;
    fleet.shelf.records[login_key("claude")].bytes = bytes;
    const auto report = fleet.one.run();
    REQUIRE(report.failure);
    CHECK(report.failure->message.find(login_key("claude")) != std::string::npos);
    CHECK(fleet.posts() == 0);
  }
}

TEST_CASE("leaving moves the login back, and no host refreshes it any more") {
  Fleet fleet;
  CHECK_FALSE(fleet.two.perform(FleetTask::leave).failure);
  CHECK(fleet.two.document().find("sk-ant-ort01") != std::string::npos);
  CHECK(fleet.two.record().state == LoginState::moved);
  const auto report = fleet.one.run();
  REQUIRE(report.failure);
  CHECK(report.failure->message.find("moved to the host two") != std::string::npos);
  CHECK(fleet.posts() == 0);
  // And joins again from there.
  CHECK_FALSE(fleet.two.perform(FleetTask::join).failure);
  CHECK(fleet.one.run().refreshed);
}

TEST_CASE("a living login is replaced only by force, and a login that a person made here is left alone") {
  Fleet fleet;
  fleet.log_in(fleet.two, 12h);  // ends after that of the refresh
  const std::string mine = fleet.two.document();
  CHECK(fleet.two.perform(FleetTask::join).failure);
  CHECK(fleet.two.document() == mine);
  const auto report = fleet.two.run();
  CHECK(report.refreshed);
  CHECK(fleet.two.document() == mine);
  CHECK(report.notices.back().find("oci-oauth fleet join --force claude") != std::string::npos);
  CHECK(fleet.two.perform(FleetTask::look).fleet->has_new_login);
  CHECK_FALSE(fleet.two.perform(FleetTask::join, Force::yes).failure);
  CHECK(fleet.two.record().ordinal == 2);
  CHECK_FALSE(fleet.two.perform(FleetTask::look).fleet->has_new_login);
}

TEST_CASE("a new login on a refresher replaces one that is over by itself, with the client's locks held") {
  Fleet fleet;
  REQUIRE(fleet.two.run().refreshed);
  fleet.one.change([](LoginRecord& login) { login.state = LoginState::dead; });
  fleet.log_in(fleet.two, 12h);
  bool was_locked = false;
  fleet.shelf.before_write = [&](std::string_view key) {
    if (key == login_key("claude")) was_locked |= std::filesystem::exists(fleet.two.home / "claude.lock");
  };
  const auto report = fleet.two.run();
  CHECK_FALSE(report.failure);
  CHECK(was_locked);
  CHECK_FALSE(std::filesystem::exists(fleet.two.home / "claude.lock"));
  REQUIRE_FALSE(report.notices.empty());
  CHECK(report.notices.front().find("only there, as login 2") != std::string::npos);
  CHECK(fleet.two.record().state == LoginState::live);
  CHECK(fleet.two.record().ordinal == 2);
  CHECK(fleet.two.access().ordinal == 2);
  CHECK(fleet.two.document().find("sk-ant-ort01") == std::string::npos);
  CHECK(fleet.login_works());
  CHECK(fleet.one.perform(FleetTask::refresh, Force::yes).refreshed);
  CHECK(fleet.reuses() == 0);
}

TEST_CASE("nobody uses a login whose host was killed while it moved, and that host goes on with it") {
  for (const bool has_removed_it : {false, true}) {
    Fleet fleet;
    fleet.log_in(fleet.one, -60s);
    const std::string mine = fleet.one.document();
    REQUIRE_FALSE(fleet.one.perform(FleetTask::join, Force::yes).failure);
    fleet.one.change([](LoginRecord& login) { login.state = LoginState::joining; });
    if (!has_removed_it) fleet.one.home.write("claude/.credentials.json", mine);
    const auto other = fleet.two.run();
    REQUIRE(other.failure);
    CHECK(other.failure->message.find("one is moving the login") != std::string::npos);
    CHECK(fleet.posts() == 0);
    CHECK(fleet.one.run().refreshed);
    CHECK(fleet.one.document().find("sk-ant-ort01") == std::string::npos);
    CHECK(fleet.posts() == 1);
    CHECK(fleet.login_works());
  }
}

TEST_CASE("an old document that comes back is not taken for a new login") {
  Fleet fleet;
  fleet.log_in(fleet.two, 1h);
  const std::string old = fleet.two.document();
  REQUIRE(fleet.one.run().refreshed);
  for (const auto state : {LoginState::live, LoginState::dead}) {
    fleet.one.change([&](LoginRecord& login) { login.state = state; });
    const auto report = fleet.two.run();
    CHECK(fleet.two.document() == old);
    CHECK(report.notices.back().find("is left alone") != std::string::npos);
    CHECK(fleet.one.record().ordinal == 1);
  }
}

TEST_CASE(
    "a host that was killed while its login moved removes the refresh token, also after others refreshed") {
  for (const bool is_refreshed : {false, true}) {
    Fleet fleet;
    fleet.log_in(fleet.one, -60s);
    const std::string mine = fleet.one.document();
    REQUIRE_FALSE(fleet.one.perform(FleetTask::join, Force::yes).failure);
    fleet.one.home.write("claude/.credentials.json", mine);
    if (is_refreshed) REQUIRE(fleet.two.run().refreshed);
    CHECK_FALSE(fleet.one.run().failure);
    CHECK(fleet.one.document().find("sk-ant-ort01") == std::string::npos);
    CHECK(fleet.posts() == 1);
  }
}

TEST_CASE("a host that has booted since is new to the store, however its clock stands") {
  Fleet fleet;
  fleet.one.request.fleet->config.settle = 2min;
  fleet.one.request.fleet->boot = "another";
  REQUIRE(fleet.one.run().failure);
  CHECK(fleet.posts() == 0);
}

TEST_CASE("a dry run changes nothing") {
  Fleet fleet;
  const auto before = fleet.shelf.records[login_key("claude")];
  fleet.log_in(fleet.two, 8h);
  const std::string mine = fleet.two.document();
  fleet.two.request.fleet->change = FleetChange::shown;
  CHECK_FALSE(fleet.two.perform(FleetTask::join, Force::yes).failure);
  CHECK_FALSE(fleet.two.perform(FleetTask::leave).failure);
  CHECK_FALSE(fleet.two.perform(FleetTask::rekey).failure);
  CHECK(fleet.shelf.records[login_key("claude")] == before);
  CHECK(fleet.two.document() == mine);
}

TEST_CASE("a new key seals both records anew, and the old one opens neither") {
  Fleet fleet;
  REQUIRE(fleet.one.run().refreshed);
  const std::string old_login(fleet.one.request.fleet->login.reveal());
  FleetAccess& access = *fleet.one.request.fleet;
  access.login = Secret(key_line(random_key()) + old_login);
  access.access = Secret(key_line(random_key()) + std::string(access.access.reveal()));
  CHECK_FALSE(fleet.one.perform(FleetTask::rekey).failure);
  CHECK(fleet.one.record().generation == 2);
  CHECK_FALSE(open_login(fleet.shelf.records[login_key("claude")].bytes, "claude", fleet.two.keys()));
  CHECK_FALSE(open_access(fleet.shelf.records[access_key("claude")].bytes, "claude", fleet.two.keys()));
}

TEST_CASE("what the store has is shown without a secret") {
  Fleet fleet;
  REQUIRE(fleet.one.run().refreshed);
  const auto report = fleet.two.perform(FleetTask::look);
  REQUIRE(report.fleet);
  CHECK(report.fleet->state == "live");
  CHECK(report.fleet->by == "one");
  CHECK(report.fleet->generation == 2);
  CHECK(report.fleet->published == 2);
  CHECK(report.fleet->store == "stand-in");
  CHECK(std::string(write_record(report).reveal()).find("sk-ant") == std::string::npos);
}

namespace {

// To make the keys of a fleet in a directory.
ExchangeRequest to_make_keys(const TempDir& directory) {
  ExchangeRequest request;
  request.profile.name = "fleet";
  request.profile.credentials = directory / "login.key";
  request.fleet.emplace();
  request.fleet->task = FleetTask::init;
  return request;
}

}  // namespace

TEST_CASE("the keys of a new fleet are made once, for whom they are") {
  const TempDir directory;
  const ExchangeRequest request = to_make_keys(directory);
  const auto never = [] { return false; };
  CHECK_FALSE(keep_fresh(request, never).failure);
  CHECK(read_keys(directory.read("login.key"), "login.key"));
  CHECK(read_keys(directory.read("signing.key"), "signing.key"));
  const auto signing = read_keys(directory.read("signing.key"), "signing.key").take();
  const auto signers = read_keys(directory.read("signers"), "signers").take();
  CHECK(public_half(signing.front()).take() == signers.front());
  struct stat status;
  REQUIRE(::stat((directory / "login.key").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0400);
  const auto again = keep_fresh(request, never);
  REQUIRE(again.failure);
  CHECK(again.failure->message.find("is already there") != std::string::npos);
}

TEST_CASE("a key is told to be made once it is") {
  const TempDir directory;
  std::filesystem::create_directory(directory / ".signing.key.oci-oauth");
  const ExchangeReport report = keep_fresh(to_make_keys(directory), [] { return false; });
  REQUIRE(report.failure);
  CHECK(report.notices.size() == 2);
}
