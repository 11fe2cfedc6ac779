// SPDX-License-Identifier: Apache-2.0
#include "report/fleet_text.h"

#include <array>
#include <charconv>
#include <optional>

#include "base/fmt.h"
#include "base/printable.h"
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
  Version fixed_in_3_4, fixed_in_3_5, fixed_in_3_6;
  const char* text;
};

constexpr unsigned never = 9999;
constexpr Fault faults[] = {{{3, 4, 42},
                             {3, 5, 28},
                             {3, 6, 9},
                             "a user of etcd who may read one key can read and write all (CVE-2026-33343); "
                             "anybody without a login can list "
                             "members, and compact (CVE-2026-33413)"},
                            {{3, 4, never},
                             {3, 5, 33},
                             {3, 6, 14},
                             "a watch shows keys after the one that its user may read (CVE-2026-73499)"}};

// nullptr: it has not.
const Version* fix_of(const Fault& fault, const Version& version) {
  const Version& fixed = version[1] <= 4   ? fault.fixed_in_3_4
                         : version[1] == 5 ? fault.fixed_in_3_5
                                           : fault.fixed_in_3_6;
  const bool has =
      version[0] < 3 || (version[0] == 3 && (version[1] < 4 || (version[1] <= 6 && version < fixed)));
  if (!has) return nullptr;
  return fixed[2] == never ? &fault.fixed_in_3_5 : &fixed;
}

std::string describe_login(const FleetStatus& status, Time now) {
  std::string text = status.state.empty() ? "missing, or not readable here" : status.state;
  if (status.login > 0)
    text += fmt::format(", login {}, generation {}, token {}, by {}", status.login, status.generation,
                        status.refresh_token, status.by);
  if (!status.why.empty()) text += ": " + status.why;
  if (status.expires_at)
    text += fmt::format("\n  expires in  {}",
                        *status.expires_at > now ? describe(*status.expires_at - now) : "it has expired");
  return text;
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
    if (const Version* const fixed = fix_of(fault, *version))
      found.push_back(
          {fault.text, fmt::format("upgrade etcd to {}.{}.{} or later, one member after the other",
                                   (*fixed)[0], (*fixed)[1], (*fixed)[2])});
  }
  return found;
}

bool is_clock_right(const FleetStatus& status) {
  return !status.clock_behind ||
         std::chrono::abs(*status.clock_behind) <= tolerated_skew + std::chrono::seconds(1);
}

std::string clock_text(const FleetStatus& status) {
  return fmt::format("{} {} the store's", describe(std::chrono::abs(*status.clock_behind)),
                     *status.clock_behind < Milliseconds(0) ? "ahead of" : "behind");
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
  for (const auto& [profile, status] : rows) {
    text += fmt::format("{}\n  login       {}\n", profile, describe_login(status, now));
    text += status.published > 0 ? fmt::format("  followers   have generation {}\n", status.published)
                                 : "  followers   have no token yet\n";
    if (!status.refreshing.empty())
      text +=
          fmt::format("  refreshing  {} since {}\n", status.refreshing, rfc3339(*status.refreshing_since));
    if (status.rests_until && *status.rests_until > now)
      text += fmt::format("  paused      until {}\n", rfc3339(*status.rests_until));
    text += fmt::format("  store       {} {}\n", status.store, status.version);
    if (!is_clock_right(status))
      text += fmt::format("  clock       {}: nothing is refreshed here\n", clock_text(status));
    for (const StoreFault& fault : store_faults(status))
      text += fmt::format("  store       {}: {}\n", fault.text, fault.remedy);
    if (status.has_new_login)
      text += fmt::format("  here        a new login: {}\n",
                          as_typed(fmt::format("oci-oauth fleet join --force {}", profile)));
  }
  std::string shown;
  for (std::string_view rest = text; !rest.empty();) shown += printable(next_line(rest)) + "\n";
  return shown;
}

std::string fleet_json(const std::vector<FleetRow>& rows) {
  return std::string(write_record(FleetListing{rows}, JsonStyle::indented).reveal());
}

}  // namespace oci_oauth
