// SPDX-License-Identifier: Apache-2.0
#include "report/overview.h"

#include <unistd.h>

#include "base/secret.h"
#include "base/size.h"
#include "delivery/written_directory.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

constexpr size_t token_limit = 64 * KiB;
constexpr const char* token_name = "token";

bool login_is_refused(const Published& published) {
  return published.is_dead() ||
         (published.last_error && published.last_error->kind == FailureKind::login_required);
}

// Empty where there is none, or none that the caller may read.
Secret read_token(const FileAt& file) {
  auto content = read_file(file, token_limit, Links::refused);
  return content ? Secret(std::move(*content)) : Secret();
}

// A mounted directory is the share itself; a written one has a copy, which is compared.
Holding holding_of(const DeliveryRecord& delivery, const Secret& current) {
  if (delivery.kind == DeliveryKind::mount) return Holding::current;
  const auto directory = open_same_directory(delivery.source, delivery.device, delivery.inode);
  if (!directory) return Holding::unknown;
  const Secret held = read_token({directory->get(), token_name});
  if (current.empty() || held.empty()) return Holding::unknown;
  return held == current ? Holding::current : Holding::outdated;
}

std::vector<ContainerView> holders_of(const std::vector<ContainerRecord>& records, const std::string& profile,
                                      const Secret& current) {
  std::vector<ContainerView> holders;
  for (const ContainerRecord& record : records) {
    if (!is_running(record.process)) continue;
    for (const DeliveryRecord& delivery : record.deliveries) {
      if (delivery.profile != profile) continue;
      holders.push_back(
          {record.id, delivery.kind, delivery.target, record.created_at, holding_of(delivery, current)});
    }
  }
  return holders;
}

Result<void> fill(Overview& overview, const RuntimeDir& runtime, Time now) {
  overview.storage = runtime.share_storage();
  auto records = list_records(runtime.containers().get());
  if (!records) return std::move(records).error();
  for (ProfileView& profile : overview.profiles) {
    auto published = runtime.published(profile.name);
    if (!published) return std::move(published).error();
    profile.published = std::move(*published);
    profile.state = state_of(profile.published, now);
    const Secret token = read_token({.path = runtime.share_path(profile.name) + "/" + token_name});
    profile.containers = holders_of(*records, profile.name, token);
  }
  // sink_states() would make the directory.
  if (::access((runtime.path() + "/sinks").c_str(), F_OK) != 0) return {};
  auto sinks = sink_states(runtime);
  if (!sinks) return std::move(sinks).error();
  overview.sinks = std::move(*sinks);
  return {};
}

}  // namespace

std::string_view word(ProfileState state) {
  switch (state) {
    case ProfileState::fresh:
      return "fresh";
    case ProfileState::due:
      return "due";
    case ProfileState::expired:
      return "expired";
    case ProfileState::login_required:
      return "login_required";
    case ProfileState::unknown:
      return "unknown";
  }
  return "unknown";
}

std::string_view word(Holding holding) {
  switch (holding) {
    case Holding::current:
      return "current";
    case Holding::outdated:
      return "outdated";
    case Holding::unknown:
      return "unknown";
  }
  return "unknown";
}

std::string_view word(DeliveryKind delivery) {
  return delivery == DeliveryKind::mount ? "mount" : "write";
}

std::optional<Time> ProfileView::expires_at() const {
  return published ? published->known_expiry() : std::nullopt;
}

std::optional<Time> ProfileView::refreshed_at() const {
  return published ? published->refreshed_at : std::nullopt;
}

std::optional<Time> ProfileView::login_expires_at() const {
  return published ? published->login_expires_at : std::nullopt;
}

ProfileState state_of(const std::optional<Published>& published, Time now) {
  if (!published) return ProfileState::unknown;
  if (login_is_refused(*published)) return ProfileState::login_required;
  if (!published->has_token()) return ProfileState::unknown;
  switch (freshness(*published, now)) {
    case Freshness::fresh:
      return ProfileState::fresh;
    case Freshness::due:
      return ProfileState::due;
    case Freshness::expired:
      return ProfileState::expired;
  }
  return ProfileState::unknown;
}

Result<Overview> look_over(const Config& config, Time now) {
  Overview overview = {config.path, config.runtime_dir, ShareStorage::memory, {}, {}};
  for (const Profile& profile : config.profiles) {
    overview.profiles.push_back({profile.name, profile.provider, ProfileState::unknown, {}, {}});
  }
  auto runtime = RuntimeDir::open_existing(config.runtime_dir);
  if (!runtime) return std::move(runtime).error();
  if (!*runtime) return overview;
  if (auto filled = fill(overview, **runtime, now); !filled) return std::move(filled).error();
  return overview;
}

}  // namespace oci_oauth
