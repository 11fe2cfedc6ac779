// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <concepts>
#include <map>

#include "base/file.h"
#include "base/fmt.h"
#include "base/path.h"
#include "base/text.h"
#include "report/overview.h"

namespace oci_oauth {

namespace {

struct Label {
  std::string_view name, value;
};

// The text as it grows: families, each followed by its samples.
class Exposition {
 public:
  void gauge(std::string_view name, std::string_view help) { begin(name, "gauge", help); }
  void counter(std::string_view name, std::string_view help) { begin(name, "counter", help); }

  void add(std::integral auto number, const std::vector<Label>& labels) {
    add(fmt::format("{}", number), labels);
  }
  // In seconds.
  void add(Milliseconds duration, const std::vector<Label>& labels) {
    add(fmt::format("{:.3f}", std::chrono::duration<double>(duration).count()), labels);
  }
  void add(Time time, const std::vector<Label>& labels) { add(time.time_since_epoch(), labels); }
  // What is not known has no sample.
  template <class Value>
  void add(const std::optional<Value>& value, const std::vector<Label>& labels) {
    if (value) add(*value, labels);
  }
  std::string text() && { return std::move(text_); }

 private:
  void begin(std::string_view name, std::string_view type, std::string_view help) {
    family_ = name;
    text_ += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
  }
  void add(const std::string& value, const std::vector<Label>& labels) {
    std::string list;
    for (const auto& [name, text] : labels)
      list += fmt::format("{}{}=\"{}\"", list.empty() ? "" : ",", name, escaped(text));
    text_ += fmt::format("{}{} {}\n", family_, list.empty() ? "" : "{" + list + "}", value);
  }
  static std::string escaped(std::string_view text) {
    const std::string quoted = with_value(with_value(std::string(text), "\\", "\\\\"), "\"", "\\\"");
    return with_value(quoted, "\n", "\\n");
  }

  std::string_view family_;
  std::string text_;
};

void add_tokens(Exposition& to, const std::vector<ProfileView>& profiles, Time now) {
  to.gauge("oci_oauth_state", "1 for the current state of the profile, 0 for all other states.");
  for (const ProfileView& profile : profiles) {
    for (const ProfileState state : values_of<ProfileState>())
      to.add(profile.state == state ? 1 : 0, {{"profile", profile.name}, {"state", word(state)}});
  }
  to.gauge("oci_oauth_token_expiry_timestamp_seconds", "When the access token expires.");
  for (const ProfileView& profile : profiles) to.add(profile.expires_at(), {{"profile", profile.name}});
  to.gauge("oci_oauth_token_remaining_seconds",
           "How long the access token was still valid when this was written; negative if it had expired.");
  for (const ProfileView& profile : profiles) {
    if (const auto end = profile.expires_at()) to.add(*end - now, {{"profile", profile.name}});
  }
  to.gauge("oci_oauth_login_expiry_timestamp_seconds",
           "When the login itself expires and a person must log in again.");
  for (const ProfileView& profile : profiles)
    to.add(profile.history.login_expires_at, {{"profile", profile.name}});
  to.gauge("oci_oauth_last_refresh_timestamp_seconds", "When a refresh last obtained a new token.");
  for (const ProfileView& profile : profiles)
    to.add(profile.history.refreshed_at, {{"profile", profile.name}});
  to.counter("oci_oauth_refreshes_total", "Refresh attempts by outcome; reset at boot.");
  for (const ProfileView& profile : profiles) {
    const auto& outcomes = profile.history.outcomes;
    const auto add = [&](std::string_view outcome) {
      const auto count = outcomes.find(outcome);
      to.add(count == outcomes.end() ? 0 : count->second, {{"profile", profile.name}, {"outcome", outcome}});
    };
    add("refreshed");
    for (const FailureKind kind : values_of<FailureKind>()) add(word(kind));
  }
}

void add_deliveries(Exposition& to, const Overview& overview) {
  to.gauge("oci_oauth_containers",
           "Running containers with a token, by delivery and by the token that they have.");
  for (const ProfileView& profile : overview.profiles) {
    for (const DeliveryKind delivery : values_of<DeliveryKind>()) {
      for (const Holding holding : values_of<Holding>()) {
        const auto is_counted = [&](const ContainerView& container) {
          return container.delivery == delivery && container.token == holding;
        };
        to.add(std::ranges::count_if(profile.containers, is_counted),
               {{"profile", profile.name}, {"delivery", word(delivery)}, {"token", word(holding)}});
      }
    }
  }
  to.counter("oci_oauth_proxy_requests_total",
             "Requests of a running container that has a socket, since the proxy has known it, by result.");
  for (const ProfileView& profile : overview.profiles) {
    for (const ContainerView& container : profile.containers) {
      const auto& asked = container.asked;
      const auto add = [&](std::string_view result, std::uint64_t count) {
        to.add(count, {{"profile", profile.name}, {"container", container.id}, {"result", result}});
      };
      if (asked) add("passed", asked->requests - asked->refused);
      if (asked) add("refused", asked->refused);
    }
  }
  to.gauge("oci_oauth_sink_failures", "Consecutive failed deliveries to a sink.");
  for (const SinkState& sink : overview.sinks)
    to.add(sink.failures, {{"profile", sink.profile}, {"sink", sink.sink}});
}

// Of those profiles whose login is in a fleet's store.
void add_records(Exposition& to, const std::map<std::string_view, FleetArrival>& records) {
  to.gauge("oci_oauth_fleet_login", "The number of the fleet's login that this host has.");
  for (const auto& [profile, record] : records) to.add(record.login, {{"profile", profile}});
  to.gauge("oci_oauth_fleet_generation", "One more than the number of refreshes of that login.");
  for (const auto& [profile, record] : records) to.add(record.generation, {{"profile", profile}});
  to.gauge("oci_oauth_fleet_record_timestamp_seconds",
           "When this host saw its newest record of the fleet's login for the first time.");
  for (const auto& [profile, record] : records) to.add(record.arrived_at, {{"profile", profile}});
  to.gauge("oci_oauth_fleet_record_delay_seconds",
           "How long after the token was obtained this host saw it, by the clocks of both hosts.");
  for (const auto& [profile, record] : records)
    to.add(record.arrived_at - record.obtained_at, {{"profile", profile}});
  to.gauge("oci_oauth_fleet_intent",
           "1 if a host has begun a refresh whose outcome is unknown, as a refresher sees it.");
  for (const auto& [profile, record] : records) {
    if (record.is_refresher) to.add(record.refreshing.empty() ? 0 : 1, {{"profile", profile}});
  }
}

void add_follower(Exposition& to, const FollowerState& follower) {
  to.gauge("oci_oauth_fleet_connected",
           "1 if the program that follows the fleet's store is running and connected.");
  to.add(follower.is_following() ? 1 : 0, {});
  to.counter("oci_oauth_fleet_connection_losses_total", "Connections that it has lost since it was started.");
  to.add(follower.losses, {});
  to.counter("oci_oauth_fleet_records_refused_total",
             "Records of the store that it has refused since it was started, by reason.");
  for (const auto& [profile, count] : follower.refused) {
    to.add(count.older, {{"profile", profile}, {"reason", "older"}});
    to.add(count.invalid, {{"profile", profile}, {"reason", "invalid"}});
  }
}

}  // namespace

std::string metrics_text(const Overview& overview, Time now) {
  Exposition text;
  add_tokens(text, overview.profiles, now);
  add_deliveries(text, overview);
  std::map<std::string_view, FleetArrival> records;
  for (const ProfileView& profile : overview.profiles) {
    if (profile.history.fleet) records.emplace(profile.name, *profile.history.fleet);
  }
  if (!records.empty()) add_records(text, records);
  if (overview.follower) add_follower(text, *overview.follower);
  return std::move(text).text();
}

Result<void> write_metrics_file(const Config& config, Time now) {
  if (config.metrics_file.empty()) return {};
  const auto overview = look_over(config, now);
  if (!overview) return Error(overview.error()).in(config.metrics_file);
  const std::string parent = parent_directory(config.metrics_file);
  const auto directory = open_file({.path = parent}, O_RDONLY | O_DIRECTORY);
  if (!directory)
    return Error(directory.error())
        .in("metrics_file")
        .with_hint("make the directory, or correct \"metrics_file\" in the configuration");
  auto written = replace_file_in_turn(directory->get(), base_name(config.metrics_file), parent,
                                      metrics_text(*overview, now), {.mode = 0644});
  return written ? std::move(written) : std::move(written).error().in("metrics_file");
}

}  // namespace oci_oauth
