// SPDX-License-Identifier: Apache-2.0
#include "report/overview.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <regex>
#include <set>
#include <sstream>

#include "support/catch.h"
#include "support/overviews.h"
#include "support/temp_dir.h"

using namespace oci_oauth;
using namespace oci_oauth::test;

namespace {

// A strict reader of the text exposition format 0.0.4, as this project writes it: a HELP and a TYPE line,
// then the family's samples, no sample twice, counters end in _total.
// https://prometheus.io/docs/instrumenting/exposition_formats/
std::string complaint(const std::string& text) {
  static const std::regex help(R"(# HELP ([a-z_]+) \S.*\.)"), type(R"(# TYPE ([a-z_]+) (gauge|counter))"),
      sample(
          R"re(([a-z_]+)(\{([a-z_]+="([^"\\]|\\.)*")(,[a-z_]+="([^"\\]|\\.)*")*\})? -?[0-9]+(\.[0-9]+)?)re");
  if (!text.ends_with('\n')) return "does not end in a newline";
  std::set<std::string> families, samples;
  std::string helped, current;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, help)) {
      helped = match[1];
      if (!families.insert(helped).second) return "a family comes twice: " + line;
    } else if (std::regex_match(line, match, type)) {
      current = match[1];
      if (current != helped) return "a TYPE without its HELP: " + line;
      if ((match[2] == "counter") != current.ends_with("_total")) return "a counter's name: " + line;
    } else if (std::regex_match(line, match, sample)) {
      if (match[1] != current) return "a sample outside its family: " + line;
      if (!samples.insert(line.substr(0, line.rfind(' '))).second) return "a sample comes twice: " + line;
    } else {
      return "no line of the format: " + line;
    }
  }
  return "";
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("the metrics are in the exposition format, whatever a profile is like") {
  ProfileView busy = profile("claude", ProfileState::expired);
  busy.containers = {container("a", DeliveryKind::mount, Holding::current),
                     container("b", DeliveryKind::write, Holding::outdated)};
  Overview overview = overview_of({busy, unpublished("other")});
  overview.sinks.push_back({"claude", "exec /bin/true", noon, 2, "exit status 1", "", noon});
  CHECK(complaint(metrics_text(overview, noon)) == "");
  CHECK(has_line(metrics_text(overview, noon),
                 "oci_oauth_sink_failures{profile=\"claude\",sink=\"exec /bin/true\"} 2"));
  CHECK(complaint(metrics_text(overview_of({unpublished("a\"b\\c\nd")}), noon)) == "");
  CHECK(complaint(metrics_text(overview_of({}), noon)) == "");
}

TEST_CASE("times are timestamps, and seconds from now") {
  const std::string text = metrics_text(overview_of({profile("claude", ProfileState::fresh)}), noon);
  CHECK(has_line(text, "oci_oauth_token_expiry_timestamp_seconds{profile=\"claude\"} 1795550340.000"));
  CHECK(has_line(text, "oci_oauth_token_remaining_seconds{profile=\"claude\"} 28740.000"));
  CHECK(has_line(text, "oci_oauth_last_refresh_timestamp_seconds{profile=\"claude\"} 1795521540.000"));
  CHECK(has_line(text, "oci_oauth_login_expiry_timestamp_seconds{profile=\"claude\"} 1797865200.000"));
}

TEST_CASE("what is not known has no sample") {
  const std::string text = metrics_text(overview_of({unpublished("claude")}), noon);
  CHECK(text.find("expiry_timestamp_seconds{") == std::string::npos);
  CHECK(has_line(text, "oci_oauth_state{profile=\"claude\",state=\"unknown\"} 1"));
}

TEST_CASE("a refresh is counted by its outcome, from zero on") {
  ProfileView view = profile("claude", ProfileState::fresh);
  view.history.outcomes["refreshed"] = 7;
  const std::string text = metrics_text(overview_of({view}), noon);
  CHECK(has_line(text, "oci_oauth_refreshes_total{profile=\"claude\",outcome=\"refreshed\"} 7"));
  CHECK(has_line(text, "oci_oauth_refreshes_total{profile=\"claude\",outcome=\"throttled\"} 0"));
}

TEST_CASE("requests are counted for each container that has a socket") {
  ProfileView view = profile("claude", ProfileState::fresh);
  view.containers = {container("a", DeliveryKind::socket, Holding::current),
                     container("b", DeliveryKind::mount, Holding::current)};
  view.containers[0].asked = ProxiedContainer{"claude", "a", 5, 2, 70};
  const std::string text = metrics_text(overview_of({view}), noon);
  CHECK(complaint(text) == "");
  constexpr auto sample = "oci_oauth_proxy_requests_total{profile=\"claude\",container=\"a\",result=";
  CHECK(has_line(text, sample + std::string("\"passed\"} 3")));
  CHECK(has_line(text, sample + std::string("\"refused\"} 2")));
  CHECK(text.find("container=\"b\"") == std::string::npos);
}

TEST_CASE("a host of a fleet has the record, its delay, and the connection") {
  ProfileView view = profile("claude", ProfileState::fresh);
  view.history.fleet = FleetArrival{2, 42, noon - std::chrono::seconds(5), noon, "host-7", true};
  Overview overview = overview_of({view, profile("other", ProfileState::fresh)});
  overview.follower = FollowerState{::getpid(), true, noon, "", 3, {{"claude", {1, 2}}}};
  const std::string text = metrics_text(overview, noon);
  CHECK(complaint(text) == "");
  CHECK(has_line(text, "oci_oauth_fleet_login{profile=\"claude\"} 2"));
  CHECK(has_line(text, "oci_oauth_fleet_generation{profile=\"claude\"} 42"));
  CHECK(has_line(text, "oci_oauth_fleet_record_timestamp_seconds{profile=\"claude\"} 1795521600.000"));
  CHECK(has_line(text, "oci_oauth_fleet_record_delay_seconds{profile=\"claude\"} 5.000"));
  CHECK(has_line(text, "oci_oauth_fleet_intent{profile=\"claude\"} 1"));
  CHECK(has_line(text, "oci_oauth_fleet_connected 1"));
  CHECK(has_line(text, "oci_oauth_fleet_connection_losses_total 3"));
  CHECK(has_line(text, "oci_oauth_fleet_records_refused_total{profile=\"claude\",reason=\"older\"} 1"));
  CHECK(has_line(text, "oci_oauth_fleet_records_refused_total{profile=\"claude\",reason=\"invalid\"} 2"));
  overview.profiles.front().history.fleet->is_refresher = false;
  CHECK(metrics_text(overview, noon).find("fleet_intent{") == std::string::npos);
  overview.follower->is_connected = false;
  CHECK(has_line(metrics_text(overview, noon), "oci_oauth_fleet_connected 0"));
  CHECK(metrics_text(overview_of({profile("claude", ProfileState::fresh)}), noon).find("fleet") ==
        std::string::npos);
}

TEST_CASE("containers are counted by delivery and by the token they have") {
  ProfileView view = profile("claude", ProfileState::fresh);
  view.containers = {container("a", DeliveryKind::mount, Holding::current),
                     container("b", DeliveryKind::mount, Holding::current)};
  const std::string text = metrics_text(overview_of({view}), noon);
  CHECK(has_line(text, "oci_oauth_containers{profile=\"claude\",delivery=\"mount\",token=\"current\"} 2"));
  CHECK(has_line(text, "oci_oauth_containers{profile=\"claude\",delivery=\"write\",token=\"outdated\"} 0"));
}

TEST_CASE("the metrics file is published whole, for every user") {
  const TempDir dir;
  Config config;
  config.runtime_dir = dir / "run";
  config.metrics_file = dir / "oci-oauth.prom";
  config.profiles.emplace_back().name = "claude";
  REQUIRE(write_metrics_file(config, noon));
  struct stat status;
  REQUIRE(::stat(config.metrics_file.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0644);
  CHECK(complaint(dir.read("oci-oauth.prom")) == "");
}

TEST_CASE("where no metrics file is configured nothing is looked at") {
  Config config;
  config.runtime_dir = "/proc/1/root";
  CHECK(write_metrics_file(config, noon));
}

TEST_CASE("a metrics file without its directory is an error that names the key") {
  Config config;
  config.runtime_dir = "/no/such/run";
  config.metrics_file = "/no/such/directory/oci-oauth.prom";
  const auto written = write_metrics_file(config, noon);
  REQUIRE_FALSE(written);
  CHECK(written.error().message == "metrics_file: /no/such/directory: No such file or directory");
  CHECK_FALSE(written.error().hint.empty());
}
