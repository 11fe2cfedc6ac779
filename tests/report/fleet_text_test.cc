// SPDX-License-Identifier: Apache-2.0
#include "report/fleet_text.h"

#include "base/json.h"
#include "support/catch.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

constexpr Time at_noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 25) + 12h;

FleetStatus a_status() {
  FleetStatus status;
  status.store = "etcd";
  status.version = "3.5.30";
  status.clock_behind = 0ms;
  status.state = "live";
  status.by = "host-1";
  status.login = 1;
  status.generation = status.published = 42;
  status.refresh_token = "#1a2b3c4d";
  status.expires_at = at_noon + 3h;
  return status;
}

size_t faults_of(const std::string& version) {
  FleetStatus status = a_status();
  status.version = version;
  return store_faults(status).size();
}

}  // namespace

TEST_CASE("a fleet's login is shown with who wrote it, and whether followers have it") {
  const std::string text = fleet_text({{"claude", a_status()}}, at_noon);
  CHECK(text.find("live, login 1, generation 42, token #1a2b3c4d, by host-1") != std::string::npos);
  CHECK(text.find("expires in  3 h") != std::string::npos);
  CHECK(text.find("followers   have generation 42") != std::string::npos);
  CHECK(text.find("clock") == std::string::npos);
}

TEST_CASE("a clock that is wrong is told, with its direction") {
  FleetStatus status = a_status();
  status.clock_behind = 1h;
  CHECK(fleet_text({{"claude", status}}, at_noon).find("1 h 0 min behind the store's") != std::string::npos);
  status.clock_behind = -2h;
  CHECK(fleet_text({{"claude", status}}, at_noon).find("2 h 0 min ahead of the store's") !=
        std::string::npos);
}

TEST_CASE("known faults of a version of etcd are those that it has") {
  CHECK(faults_of("3.4.23") == 2);
  CHECK(faults_of("3.4.42") == 1);
  CHECK(faults_of("3.5.16") == 2);
  CHECK(faults_of("3.5.30") == 1);
  CHECK(faults_of("3.5.33") == 0);
  CHECK(faults_of("3.6.14") == 0);
  CHECK(faults_of("3.7.0") == 0);
  CHECK(faults_of("unknown") == 0);
}

TEST_CASE("what ends a fault is the first version of the same series that does not have it") {
  FleetStatus status = a_status();
  status.version = "3.4.23";
  const auto faults = store_faults(status);
  REQUIRE(faults.size() == 2);
  CHECK(faults[0].remedy == "upgrade etcd to 3.4.42 or later, one member after the other");
  CHECK(faults[1].remedy == "upgrade etcd to 3.5.33 or later, one member after the other");
}

TEST_CASE("what a takeover risks is said with the host that may have used the token") {
  FleetStatus status = a_status();
  CHECK(takeover_text(status).find("no refresh is unanswered") != std::string::npos);
  status.refreshing = "host-7";
  status.refreshing_since = at_noon;
  CHECK(takeover_text(status).find("#1a2b3c4d once more, although host-7 may have used it") !=
        std::string::npos);
}

TEST_CASE(
    "the JSON has every member, null where nothing is known, and text from the store cannot control a "
    "terminal") {
  FleetStatus status = a_status();
  status.by = "a\x1b[2Jb";
  CHECK(fleet_text({{"claude", status}}, at_noon).find('\x1b') == std::string::npos);
  const auto json = parse_json(fleet_json({{"claude", status}}), "").take();
  const JsonValue* login = json_at(json, "/logins/0");
  REQUIRE(login != nullptr);
  CHECK(json_string(*login, "expires_at") == "2026-11-25T15:00:00Z");
  CHECK(json_member(*login, "refreshing")->IsNull());
  CHECK(json_int(*login, "published_generation") == 42);
}
