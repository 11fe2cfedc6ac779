// SPDX-License-Identifier: Apache-2.0
#include <tuple>

#include "base/fmt.h"
#include "base/text.h"
#include "doctor/checks.h"
#include "report/fleet_text.h"

namespace oci_oauth {

namespace {

constexpr Milliseconds certificate_warning = std::chrono::hours(24) * 14;
// Longer than any request; until then somebody is simply refreshing.
constexpr Milliseconds longest_refresh = std::chrono::minutes(1);

class Examination {
 public:
  Examination(const CheckContext& context, const Profile& profile, const FleetView& view, Time now)
      : fleet_(*context.config.fleet),
        restart_(fmt::format("systemctl {}restart oci-oauth-fleet",
                             context.host.scope == Scope::user ? "--user " : "")),
        profile_(profile.name),
        view_(view),
        status_(view.status),
        now_(now) {}

  // What is the same for each login.
  Findings host() {
    check_ = "fleet";
    if (status_.certificate_expires_at && *status_.certificate_expires_at - now_ < certificate_warning)
      add(*status_.certificate_expires_at <= now_ ? Verdict::problem : Verdict::warning,
          fmt::format("{}: expires at {}", fleet_.certificate_file, rfc3339(*status_.certificate_expires_at)),
          "replace it, then " + restart_);
    if (!is_clock_right(status_))
      add(is_refresher() ? Verdict::problem : Verdict::warning,
          fmt::format("this host's clock is {} the store's{}", clock_text(-*status_.clock_behind),
                      is_refresher() ? ": nothing is refreshed here" : ""),
          "sudo timedatectl set-ntp true");
    for (const StoreFault& fault : store_faults(status_))
      add(Verdict::warning, fmt::format("{} {}: {}", status_.store, status_.version, fault.text),
          fault.remedy);
    follower();
    return std::move(findings_);
  }

  Findings login() {
    check_ = fmt::format("fleet '{}'", profile_);
    if (view_.failure) return {unreachable()};
    state();
    if (status_.published > 0 || is_refresher()) behind();
    if (is_refresher() && status_.login > 0) refresher();
    if (findings_.empty())
      add(Verdict::ok,
          fmt::format("{} {} has login {}, generation {}, and so have followers and this host", status_.store,
                      status_.version, status_.published_login, status_.published));
    return std::move(findings_);
  }

 private:
  bool is_refresher() const { return fleet_.role == FleetRole::refresher; }
  void add(Verdict verdict, std::string message, std::string remedy = "") {
    findings_.push_back({check_, verdict, std::move(message), std::move(remedy)});
  }

  Finding unreachable() const {
    Error error = *view_.failure;
    if (error.hint.empty() && fleet_.kubernetes)
      error.hint = fmt::format("curl --cacert {} {}", shell_word(fleet_.ca_file),
                               shell_word(fleet_.kubernetes->server + "/version"));
    if (error.hint.empty())
      error.hint = fmt::format("curl --cacert {} --cert {} --key {} {}", shell_word(fleet_.ca_file),
                               shell_word(fleet_.certificate_file), shell_word(fleet_.key_file),
                               shell_word(fleet_.endpoints.front() + "/health"));
    return problem(check_, error);
  }

  void follower() {
    const auto& follower = view_.follower;
    if (follower && follower->is_following()) return;
    add(Verdict::warning,
        fmt::format("this host does not follow the store{}{}", follower && !follower->why.empty() ? ": " : "",
                    follower ? follower->why : ""),
        restart_);
  }

  void state() {
    if (is_refresher() && status_.login == 0)
      return add(Verdict::problem, "the store has no such login",
                 fmt::format("oci-oauth fleet join {}", profile_));
    if (status_.state == "dead")
      add(Verdict::problem, status_.why,
          "log in again on a refresher, which takes the new login into the store");
    if (status_.state == "moved")
      add(Verdict::problem, fmt::format("the login was moved to the host {}", status_.by),
          fmt::format("there: oci-oauth fleet join {}", profile_));
    if (status_.state == "joining")
      add(Verdict::problem,
          fmt::format("the host {} has not finished moving the login into the store", status_.by),
          fmt::format("there: oci-oauth fleet join {}", profile_));
    if (status_.published == 0)
      add(Verdict::problem, "the store has no access token for followers",
          fmt::format("on a refresher: oci-oauth refresh {}", profile_));
  }

  void behind() {
    const auto& here = view_.here;
    const auto in_store = std::tuple(status_.published_login, status_.published);
    if (!here || std::tuple(here->login, here->generation) < in_store)
      add(Verdict::warning,
          fmt::format("this host has {}, and the store generation {}",
                      here ? fmt::format("generation {}", here->generation) : "no record", status_.published),
          is_refresher() ? fmt::format("oci-oauth refresh {}", profile_) : restart_);
  }

  void refresher() {
    if (status_.state == "live" && std::tuple(status_.published_login, status_.published) <
                                       std::tuple(status_.login, status_.generation))
      add(Verdict::warning,
          fmt::format("followers have generation {}, and the login is in generation {}", status_.published,
                      status_.generation),
          fmt::format("oci-oauth refresh {}", profile_));
    if (status_.refreshing_since && now_ - *status_.refreshing_since > longest_refresh)
      add(Verdict::warning,
          fmt::format("{} began a refresh at {}, and its answer never arrived", status_.refreshing,
                      rfc3339(*status_.refreshing_since)),
          fmt::format("on {0}: oci-oauth refresh {1}; if {0} is lost, here: oci-oauth fleet takeover {1}",
                      status_.refreshing, profile_));
    if (status_.remembered == 0)
      add(Verdict::warning,
          "this host does not remember the login, and cannot put it back if the store loses it",
          fmt::format("oci-oauth refresh {}", profile_));
    if (status_.has_new_login)
      add(Verdict::warning, "a person logged in here, and the store has another login that works",
          fmt::format("oci-oauth fleet join --force {}", profile_));
  }

  const FleetConfig& fleet_;
  const std::string restart_;
  const std::string& profile_;
  const FleetView& view_;
  const FleetStatus& status_;
  Time now_;
  std::string check_;
  Findings findings_;
};

}  // namespace

Findings check_fleet(const CheckContext& context) {
  const Config& config = context.config;
  Findings findings;
  bool is_first = true;
  for (const Profile& profile : config.profiles) {
    if (!profile.in_fleet || !config.fleet) continue;
    const FleetView view = context.look_at_fleet(profile);
    if (is_first) append(findings, Examination(context, profile, view, now()).host());
    is_first = false;
    append(findings, Examination(context, profile, view, now()).login());
  }
  return findings;
}

}  // namespace oci_oauth
