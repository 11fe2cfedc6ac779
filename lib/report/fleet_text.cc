// SPDX-License-Identifier: Apache-2.0
#include "report/fleet_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <tuple>

#include "base/fmt.h"
#include "base/record.h"
#include "base/text.h"
#include "program/hint.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

using Version = std::array<unsigned, 3>;

std::optional<Version> parse_version(std::string_view text) {
  Version version = {};
  for (unsigned& part : version) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), part);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (text.starts_with('.')) text.remove_prefix(1);
  }
  return version;
}

struct Fault {
  const char* text;
  std::vector<Version> fixed_in;  // of each series that has a fix, the first; series before it have none
};

const Fault faults[] = {
    {"a user of etcd who may read one key can read and write all (CVE-2026-33343); anybody without a login "
     "can list members, and compact (CVE-2026-33413)",
     {{3, 4, 42}, {3, 5, 28}, {3, 6, 9}}},
    {"a watch shows keys after the one that its user may read (CVE-2026-73499)", {{3, 5, 33}, {3, 6, 14}}}};

std::string describe_login(const FleetStatus& status) {
  std::string text = status.state.empty() ? "missing, or not readable here" : status.state;
  if (status.login > 0)
    text += fmt::format(", login {}, generation {}, token {}, by {}", status.login, status.generation,
                        status.refresh_token, status.by);
  return status.why.empty() ? text : fmt::format("{}: {}", text, status.why);
}

}  // namespace

void describe(auto& each, const FleetRow& row) {
  const FleetStatus& status = row.status;
  std::vector<std::string> faults;
  for (const StoreFault& fault : store_faults(status)) faults.push_back(fault.text);
  const auto time = [&](std::string_view key, const std::optional<Time>& at) {
    each(key, at ? rfc3339(*at) : "", Presence::nullable);
  };
  each("profile", row.profile, Presence::required);
  each("store", status.store, Presence::required);
  each("store_version", status.version, Presence::required);
  each("store_faults", faults, Presence::required);
  each("clock_behind_ms", status.clock_behind, Presence::nullable);
  each("state", status.state, Presence::nullable);
  each("why", status.why, Presence::nullable);
  each("by", status.by, Presence::nullable);
  each("login", status.login, Presence::required);
  each("generation", status.generation, Presence::required);
  each("published_generation", status.published, Presence::required);
  each("remembered_generation", status.remembered, Presence::required);
  each("has_new_login", status.has_new_login, Presence::required);
  each("refreshing", status.refreshing, Presence::nullable);
  time("obtained_at", status.obtained_at);
  time("expires_at", status.expires_at);
  time("refreshing_since", status.refreshing_since);
  time("rests_until", status.rests_until);
  time("certificate_expires_at", status.certificate_expires_at);
}

struct FleetListing {
  static constexpr int version = 1;
  const std::vector<FleetRow>& logins;
};

void describe(auto& each, const FleetListing& listing) {
  each("logins", listing.logins, Presence::required);
}

std::vector<StoreFault> store_faults(const FleetStatus& status) {
  std::vector<StoreFault> found;
  const auto version = parse_version(status.version);
  if (status.store != "etcd" || !version) return found;
  for (const Fault& fault : faults) {
    const auto fix = std::ranges::find_if(fault.fixed_in, [&](const Version& fixed) {
      return std::tie(fixed[0], fixed[1]) >= std::tie((*version)[0], (*version)[1]);
    });
    if (fix != fault.fixed_in.end() && *version < *fix)
      found.push_back({fault.text, fmt::format("upgrade etcd to {} or later, one member after the other",
                                               fmt::join(*fix, "."))});
  }
  return found;
}

std::string clock_text(Milliseconds ahead) {
  return fmt::format("{} {}", describe(std::chrono::abs(ahead)),
                     ahead > Milliseconds(0) ? "ahead of" : "behind");
}

bool is_clock_right(const FleetStatus& status) {
  return !status.clock_behind ||
         std::chrono::abs(*status.clock_behind) <= tolerated_skew + std::chrono::seconds(1);
}

std::string takeover_text(const FleetStatus& status) {
  if (status.refreshing.empty())
    return "no refresh is unanswered, so a takeover would be a refresh like any other";
  return fmt::format(
      "would send token {} once more, although {} may have used it at {}: a server that sees it twice "
      "may revoke the login, and its access token",
      status.refresh_token, status.refreshing, rfc3339(*status.refreshing_since));
}

std::string fleet_text(const std::vector<FleetRow>& rows, Time now) {
  std::string text;
  const auto add = [&](std::string_view what, const std::string& is) {
    text += printable(fmt::format("  {:<12}{}", what, is)) + "\n";
  };
  for (const auto& [profile, status] : rows) {
    text += printable(profile) + "\n";
    add("login", describe_login(status));
    if (status.expires_at)
      add("expires in", *status.expires_at > now ? describe(*status.expires_at - now) : "it has expired");
    add("followers",
        status.published > 0 ? fmt::format("have generation {}", status.published) : "have no token yet");
    if (!status.refreshing.empty())
      add("refreshing", fmt::format("{} since {}", status.refreshing, rfc3339(*status.refreshing_since)));
    if (status.rests_until && *status.rests_until > now)
      add("paused", "until " + rfc3339(*status.rests_until));
    add("store", fmt::format("{} {}", status.store, status.version));
    if (!is_clock_right(status))
      add("clock", clock_text(-*status.clock_behind) + " the store's: nothing is refreshed here");
    for (const StoreFault& fault : store_faults(status))
      add("store", fmt::format("{}: {}", fault.text, fault.remedy));
    if (status.has_new_login)
      add("here", "a new login: " + as_typed(fmt::format("oci-oauth fleet join --force {}", profile)));
  }
  return text;
}

std::string fleet_json(const std::vector<FleetRow>& rows) {
  return std::string(write_record(FleetListing{rows}, JsonStyle::indented).reveal());
}

}  // namespace oci_oauth
