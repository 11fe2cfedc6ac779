// SPDX-License-Identifier: Apache-2.0
// Overviews as tests want them: everything stands still at noon.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/overview.h"

namespace oci_oauth::test {

constexpr Time noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + std::chrono::hours(12);

inline ProfileView unpublished(std::string name) {
  return {std::move(name), "claude", ProfileState::unknown, {}, {}};
}

// A token for another 7 h 59 min, refreshed a minute ago, of a login that ends in four weeks.
inline ProfileView profile(std::string name, ProfileState state) {
  using std::chrono::hours, std::chrono::minutes;
  ProfileView view = unpublished(std::move(name));
  view.state = state;
  Published& published = view.published.emplace();
  published.expires_at = noon + hours(8) - minutes(1);
  view.history.refreshed_at = noon - minutes(1);
  view.history.login_expires_at = noon + hours(27 * 24 + 3);
  return view;
}

inline ContainerView container(std::string id, DeliveryKind delivery, Holding token) {
  return {std::move(id), delivery, "/run/secrets/claude", noon - std::chrono::hours(2), token};
}

inline Overview overview_of(std::vector<ProfileView> profiles) {
  return {"/etc/oci-oauth/config.json", "/run/oci-oauth", ShareStorage::memory, std::move(profiles), {}};
}

}  // namespace oci_oauth::test
