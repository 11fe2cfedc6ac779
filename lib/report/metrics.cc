// SPDX-License-Identifier: Apache-2.0
#include "report/overview.h"

#include <algorithm>
#include <array>

#include "base/fmt.h"
#include "base/path.h"

namespace oci_oauth {

namespace {

// A label's value, which may contain anything but must escape three characters.
std::string label_value(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
  return text + '"';
}

std::string in_seconds(Milliseconds duration) {
  return fmt::format("{:.3f}", std::chrono::duration<double>(duration).count());
}

std::string in_seconds(Time time) {
  return in_seconds(time.time_since_epoch());
}

// One metric: its description, then its samples.
class Family {
 public:
  Family(std::string_view name, std::string_view type, std::string_view help)
      : name_(name), text_(fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type)) {}

  void add(const std::string& profile, const std::string& value, const std::string& more_labels = "") {
    text_ += fmt::format("{}{{profile={}{}}} {}\n", name_, label_value(profile), more_labels, value);
  }
  template <class Value>
  void add(const std::string& profile, const std::optional<Value>& value) {
    if (value) add(profile, in_seconds(*value));
  }
  // Of the host.
  void add(const std::string& value) { text_ += fmt::format("{} {}\n", name_, value); }
  const std::string& text() const { return text_; }

 private:
  std::string name_, text_;
};

std::string label(std::string_view name, std::string_view value) {
  return fmt::format(",{}={}", name, label_value(value));
}

std::string state_text(const Overview& overview) {
  Family family("oci_oauth_state", "gauge",
                "1 for the current state of the profile, 0 for all other states.");
  for (const ProfileView& profile : overview.profiles) {
    for (const ProfileState state : values_of<ProfileState>()) {
      family.add(profile.name, profile.state == state ? "1" : "0", label("state", word(state)));
    }
  }
  return family.text();
}

std::string times_text(const Overview& overview, Time now) {
  Family expiry("oci_oauth_token_expiry_timestamp_seconds", "gauge", "When the access token expires.");
  Family remaining(
      "oci_oauth_token_remaining_seconds", "gauge",
      "How long the access token was still valid when this was written; negative if it had expired.");
  Family login("oci_oauth_login_expiry_timestamp_seconds", "gauge",
               "When the login itself expires and a person must log in again.");
  Family refreshed("oci_oauth_last_refresh_timestamp_seconds", "gauge",
                   "When a refresh last obtained a new token.");
  for (const ProfileView& profile : overview.profiles) {
    const auto expires_at = profile.expires_at();
    expiry.add(profile.name, expires_at);
    remaining.add(profile.name, expires_at ? std::optional(Milliseconds(*expires_at - now)) : std::nullopt);
    login.add(profile.name, profile.history.login_expires_at);
    refreshed.add(profile.name, profile.history.refreshed_at);
  }
  return expiry.text() + remaining.text() + login.text() + refreshed.text();
}

std::string refreshes_text(const Overview& overview) {
  Family family("oci_oauth_refreshes_total", "counter", "Refresh attempts by outcome; reset at boot.");
  for (const ProfileView& profile : overview.profiles) {
    const auto add = [&](std::string_view outcome) {
      const auto count = profile.history.outcomes.find(outcome);
      family.add(profile.name, fmt::format("{}", count == profile.history.outcomes.end() ? 0 : count->second),
                 label("outcome", outcome));
    };
    add("refreshed");
    for (const FailureKind kind : values_of<FailureKind>()) add(word(kind));
  }
  return family.text();
}

std::string containers_text(const Overview& overview) {
  Family family("oci_oauth_containers", "gauge",
                "Running containers with a token, by delivery and by the token that they have.");
  for (const ProfileView& profile : overview.profiles) {
    for (const DeliveryKind delivery : values_of<DeliveryKind>()) {
      for (const Holding holding : values_of<Holding>()) {
        unsigned count = 0;
        for (const ContainerView& container : profile.containers) {
          if (container.delivery == delivery && container.token == holding) ++count;
        }
        family.add(profile.name, fmt::format("{}", count),
                   label("delivery", word(delivery)) + label("token", word(holding)));
      }
    }
  }
  return family.text();
}

std::string requests_text(const Overview& overview) {
  Family family(
      "oci_oauth_proxy_requests_total", "counter",
      "Requests of a running container that has a socket, since the proxy has known it, by result.");
  for (const ProfileView& profile : overview.profiles) {
    for (const ContainerView& container : profile.containers) {
      if (!container.asked) continue;
      const auto add = [&](std::string_view result, std::uint64_t count) {
        family.add(profile.name, fmt::format("{}", count),
                   label("container", container.id) + label("result", result));
      };
      add("passed", container.asked->requests - container.asked->refused);
      add("refused", container.asked->refused);
    }
  }
  return family.text();
}

std::string sinks_text(const Overview& overview) {
  Family family("oci_oauth_sink_failures", "gauge", "Consecutive failed deliveries to a sink.");
  for (const SinkState& sink : overview.sinks) {
    family.add(sink.profile, fmt::format("{}", sink.failures), label("sink", sink.sink));
  }
  return family.text();
}

std::string fleet_records_text(const Overview& overview) {
  Family login("oci_oauth_fleet_login", "gauge", "The number of the fleet's login that this host has.");
  Family generation("oci_oauth_fleet_generation", "gauge",
                    "One more than the number of refreshes of that login.");
  Family arrived("oci_oauth_fleet_record_timestamp_seconds", "gauge",
                 "When this host saw its newest record of the fleet's login for the first time.");
  Family delay("oci_oauth_fleet_record_delay_seconds", "gauge",
               "How long after the token was obtained this host saw it, by the clocks of both hosts.");
  Family intent("oci_oauth_fleet_intent", "gauge",
                "1 if a host has begun a refresh whose outcome is unknown, as a refresher sees it.");
  for (const ProfileView& profile : overview.profiles) {
    const auto& fleet = profile.history.fleet;
    if (!fleet) continue;
    login.add(profile.name, fmt::format("{}", fleet->login));
    generation.add(profile.name, fmt::format("{}", fleet->generation));
    arrived.add(profile.name, std::optional(fleet->arrived_at));
    delay.add(profile.name, std::optional(Milliseconds(fleet->arrived_at - fleet->obtained_at)));
    if (fleet->is_refresher) intent.add(profile.name, fleet->refreshing.empty() ? "0" : "1");
  }
  return login.text() + generation.text() + arrived.text() + delay.text() + intent.text();
}

std::string follower_text(const Overview& overview) {
  if (!overview.follower) return "";
  const FollowerState& follower = *overview.follower;
  Family connected("oci_oauth_fleet_connected", "gauge",
                   "1 if the program that follows the fleet's store is running and connected.");
  connected.add(follower.is_following() ? "1" : "0");
  Family losses("oci_oauth_fleet_connection_losses_total", "counter",
                "Connections that it has lost since it was started.");
  losses.add(fmt::format("{}", follower.losses));
  Family refused("oci_oauth_fleet_records_refused_total", "counter",
                 "Records of the store that it has refused since it was started, by reason.");
  for (const auto& [profile, count] : follower.refused) {
    refused.add(profile, fmt::format("{}", count.older), label("reason", "older"));
    refused.add(profile, fmt::format("{}", count.invalid), label("reason", "invalid"));
  }
  return connected.text() + losses.text() + refused.text();
}

std::string fleet_text(const Overview& overview) {
  const bool has_fleet = std::ranges::any_of(
      overview.profiles, [](const ProfileView& profile) { return profile.history.fleet.has_value(); });
  return (has_fleet ? fleet_records_text(overview) : "") + follower_text(overview);
}

}  // namespace

std::string metrics_text(const Overview& overview, Time now) {
  return state_text(overview) + times_text(overview, now) + refreshes_text(overview) +
         containers_text(overview) + requests_text(overview) + sinks_text(overview) + fleet_text(overview);
}

Result<void> write_metrics_file(const Config& config, Time now) {
  if (config.metrics_file.empty()) return {};
  auto overview = look_over(config, now);
  if (!overview) return std::move(overview).error().in(config.metrics_file);
  const std::string parent = parent_directory(config.metrics_file);
  auto directory = open_file({.path = parent}, O_RDONLY | O_DIRECTORY);
  if (!directory) {
    return std::move(directory)
        .error()
        .in("metrics_file")
        .with_hint("make the directory, or correct \"metrics_file\" in the configuration");
  }
  auto written = replace_file_in_turn(directory->get(), base_name(config.metrics_file), parent,
                                      metrics_text(*overview, now), {.mode = 0644});
  if (!written) return std::move(written).error().in("metrics_file");
  return {};
}

}  // namespace oci_oauth
