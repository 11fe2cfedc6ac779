// SPDX-License-Identifier: Apache-2.0
#include <utility>

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
        refresh_(fmt::format("oci-oauth refresh {}", profile.name)),
        profile_(profile.name),
        view_(view),
        status_(view.status),
        now_(now) {}

  // What is the same for each login.
  Findings host() {
    check_ = "fleet";
    if (const auto end = status_.certificate_expires_at; end && *end - now_ < certificate_warning)
      add(*end <= now_ ? Verdict::problem : Verdict::warning,
          fmt::format("{}: expires at {}", fleet_.certificate_file, rfc3339(*end)),
          "replace it, then " + restart_);
    if (!is_clock_right(status_))
      add(is_refresher_ ? Verdict::problem : Verdict::warning,
          fmt::format("this host's clock is {} the store's{}", clock_text(-*status_.clock_behind),
                      is_refresher_ ? ": nothing is refreshed here" : ""),
          "sudo timedatectl set-ntp true");
    for (const StoreFault& fault : store_faults(status_))
      warn(fmt::format("{} {}: {}", status_.store, status_.version, fault.text), fault.remedy);
    if (const auto& follower = view_.follower; !follower || !follower->is_following())
      warn(fmt::format("this host does not follow the store{}{}",
                       follower && !follower->why.empty() ? ": " : "", follower ? follower->why : ""),
           restart_);
    return std::exchange(findings_, {});
  }

  Findings login() {
    check_ = fmt::format("fleet '{}'", profile_);
    if (view_.failure) return {unreachable()};
    state();
    const Generation in_store = {status_.published_login, status_.published};
    if (status_.published > 0 || is_refresher_) here(in_store);
    if (is_refresher_ && status_.login > 0) refresher(in_store);
    if (findings_.empty())
      add(Verdict::ok,
          fmt::format("{} {} has login {}, generation {}, and so have followers and this host", status_.store,
                      status_.version, status_.published_login, status_.published));
    return std::move(findings_);
  }

 private:
  using Generation = std::pair<std::uint64_t, std::uint64_t>;  // of which login, and its own number

  void add(Verdict verdict, std::string message, std::string remedy = "") {
    findings_.push_back({check_, verdict, std::move(message), std::move(remedy)});
  }
  void warn(std::string message, std::string remedy) {
    add(Verdict::warning, std::move(message), std::move(remedy));
  }
  void fail(std::string message, std::string remedy) {
    add(Verdict::problem, std::move(message), std::move(remedy));
  }

  Finding unreachable() const {
    Error error = *view_.failure;
    if (!error.hint.empty()) return problem(check_, error);
    error.hint = "curl --cacert " + shell_word(fleet_.ca_file);
    if (fleet_.kubernetes) {
      error.hint += " " + shell_word(fleet_.kubernetes->server + "/version");
    } else {
      error.hint +=
          fmt::format(" --cert {} --key {} {}", shell_word(fleet_.certificate_file),
                      shell_word(fleet_.key_file), shell_word(fleet_.endpoints.front() + "/health"));
    }
    return problem(check_, error);
  }

  void state() {
    const std::string join = fmt::format("oci-oauth fleet join {}", profile_);
    if (is_refresher_ && status_.login == 0) return fail("the store has no such login", join);
    if (status_.state == "dead")
      fail(status_.why, "log in again on a refresher, which takes the new login into the store");
    if (status_.state == "moved")
      fail(fmt::format("the login was moved to the host {}", status_.by), "there: " + join);
    if (status_.state == "joining")
      fail(fmt::format("the host {} has not finished moving the login into the store", status_.by),
           "there: " + join);
    if (status_.published == 0)
      fail("the store has no access token for followers", "on a refresher: " + refresh_);
  }

  void here(const Generation& in_store) {
    const auto& here = view_.here;
    if (!here || Generation(here->login, here->generation) < in_store)
      warn(fmt::format("this host has {}, and the store generation {}",
                       here ? fmt::format("generation {}", here->generation) : "no record", in_store.second),
           is_refresher_ ? refresh_ : restart_);
  }

  void refresher(const Generation& in_store) {
    if (status_.state == "live" && in_store < Generation(status_.login, status_.generation))
      warn(fmt::format("followers have generation {}, and the login is in generation {}", in_store.second,
                       status_.generation),
           refresh_);
    if (status_.refreshing_since && now_ - *status_.refreshing_since > longest_refresh)
      warn(fmt::format("{} began a refresh at {}, and its answer never arrived", status_.refreshing,
                       rfc3339(*status_.refreshing_since)),
           fmt::format("on {0}: {1}; if {0} is lost, here: oci-oauth fleet takeover {2}", status_.refreshing,
                       refresh_, profile_));
    if (status_.remembered == 0)
      warn("this host does not remember the login, and cannot put it back if the store loses it", refresh_);
    if (status_.has_new_login)
      warn("a person logged in here, and the store has another login that works",
           fmt::format("oci-oauth fleet join --force {}", profile_));
  }

  const FleetConfig& fleet_;
  const std::string restart_, refresh_;
  const std::string& profile_;
  const FleetView& view_;
  const FleetStatus& status_;
  const Time now_;
  const bool is_refresher_ = fleet_.role == FleetRole::refresher;
  std::string check_;
  Findings findings_;
};

}  // namespace

Findings check_fleet(const CheckContext& context) {
  Findings findings;
  bool is_first = true;
  for (const Profile& profile : context.config.profiles) {
    if (!profile.in_fleet || !context.config.fleet) continue;
    const FleetView view = context.look_at_fleet(profile);
    Examination examination(context, profile, view, now());
    if (is_first) append(findings, examination.host());
    append(findings, examination.login());
    is_first = false;
  }
  return findings;
}

}  // namespace oci_oauth
