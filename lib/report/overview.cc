// SPDX-License-Identifier: Apache-2.0
#include "report/overview.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "base/file.h"
#include "delivery/container_ledger.h"
#include "delivery/written_directory.h"
#include "oci/container_root.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

// Which token a container has and, if it is not the current one, why.
struct Held {
  Holding token = Holding::current;
  Error why = {};
};

Held unpublished() {
  return {Holding::unknown, {ErrorKind::failed, "nothing has been published yet"}};
}

// What this host has recorded of all containers.
struct Records {
  const RuntimeDir& runtime;
  std::vector<ContainerRecord> containers;
  std::vector<ProxiedContainer> proxied;
};

// What is really there, which the record alone does not say.
class Look {
 public:
  Look(const Records& records, const ProfileView& profile) : records_(records), profile_(profile) {}

  Held at(const ContainerRecord& record, const DeliveryRecord& delivery, bool is_proxied) const {
    Held held = delivery.kind == DeliveryKind::mount   ? at_mount(record, delivery)
                : delivery.kind == DeliveryKind::write ? at_directory(record, delivery)
                                                       : at_socket(is_proxied);
    // A failed attempt says more than what is missing since, because what prevents writing changes.
    const bool is_told = held.token == Holding::current ||
                         (held.token == Holding::failed && delivery.kind == DeliveryKind::write);
    if (delivery.state != DeliveryState::failed || is_told) return held;
    return {Holding::failed, {ErrorKind::failed, delivery.reason, delivery.hint}};
  }

 private:
  Held at_mount(const ContainerRecord& record, const DeliveryRecord& delivery) const {
    const auto process = ContainerProcess::open(record.process.pid);
    const auto root = process ? ContainerRoot::open(*process, "/") : Result<ContainerRoot>(process.error());
    if (!root) return {Holding::unknown, root.error()};
    const auto target = root->open_directory(delivery.target);
    const bool is_mounted = target && share_ && is_same_file(file_id(share_->get()), file_id(target->get()));
    if (!is_mounted)
      return {Holding::failed,
              {ErrorKind::failed, delivery.target + ": the token's directory is not mounted there",
               "recreate the container"}};
    const bool is_published = profile_.published && profile_.published->has_token();
    return is_published ? Held() : unpublished();
  }
  Held at_directory(const ContainerRecord& record, const DeliveryRecord& delivery) const {
    const auto share = share_ ? read_share(share_->get(), delivery.files) : Result<Share>(share_.error());
    if (!share) return {Holding::unknown, share.error()};
    const auto directory = WrittenDirectory::open(delivery, record.process, delivery.target);
    if (!directory) return {Holding::unknown, directory.error()};
    const FileStamp login = profile_.published ? profile_.published->login : FileStamp();
    if (const auto looked =
            directory->look(*share, {login, known_fingerprints(records_.containers, delivery)});
        !looked) {
      const bool is_lacking = looked.error().kind == ErrorKind::not_found;
      return {is_lacking ? Holding::outdated : Holding::failed, looked.error()};
    }
    return share->files.empty() && !delivery.files.empty() ? unpublished() : Held();
  }
  static Held at_socket(bool is_proxied) {
    if (is_proxied) return {};
    return {Holding::failed,
            {ErrorKind::failed, "the proxy does not serve its socket", "recreate the container"}};
  }

  const Records& records_;
  const ProfileView& profile_;
  Result<UniqueFd> share_ =
      open_file(records_.runtime.share_directory(profile_.name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
};

std::vector<ContainerView> holders_of(const Records& records, const ProfileView& profile) {
  std::vector<ContainerView> holders;
  const Look look(records, profile);
  for (const ContainerRecord& record : records.containers) {
    if (!is_running(record.process)) continue;
    for (const DeliveryRecord& delivery : record.deliveries) {
      if (delivery.profile != profile.name) continue;
      ContainerView& view =
          holders.emplace_back(ContainerView{record.id, delivery.kind, delivery.target, record.created_at});
      view.shadowed_by = delivery.shadowed_by;
      const auto asked = std::ranges::find_if(records.proxied, [&](const ProxiedContainer& one) {
        return one.profile == profile.name && one.id == record.id;
      });
      if (delivery.kind == DeliveryKind::socket && asked != records.proxied.end()) view.asked = *asked;
      const auto [token, why] = look.at(record, delivery, view.asked.has_value());
      view.token = token;
      view.reason = why.message;
      view.hint = why.hint;
    }
  }
  return holders;
}

// Profiles that were in the configuration, and that running containers still have.
std::vector<ProfileView> left_over(const Config& config, const Records& records) {
  std::vector<ProfileView> left;
  for (const std::string& name : records.runtime.profiles_of(config.path)) {
    if (config.find(name) != nullptr) continue;
    ProfileView profile = {.name = name};
    profile.containers = holders_of(records, profile);
    for (ContainerView& container : profile.containers) {
      container.token = Holding::outdated;
      container.reason = "its profile was removed from the configuration";
      container.hint = "add the profile again, or recreate the container with another one";
    }
    profile.is_left_over = true;
    if (!profile.containers.empty()) left.push_back(std::move(profile));
  }
  return left;
}

ProfileState state_of(const std::optional<Published>& published, Time now) {
  if (!published) return ProfileState::unknown;
  const auto& error = published->last_error;
  const bool is_refused = published->is_dead || (error && error->kind == FailureKind::login_required);
  if (is_refused) return ProfileState::login_required;
  if (!published->has_token()) return ProfileState::unknown;
  const Freshness is = freshness(*published, now);
  return is == Freshness::fresh ? ProfileState::fresh
         : is == Freshness::due ? ProfileState::due
                                : ProfileState::expired;
}

}  // namespace

std::optional<Time> ProfileView::expires_at() const {
  return published ? published->known_expiry() : std::nullopt;
}

Result<Overview> look_over(const Config& config, Time now) {
  Overview overview = {.config = config.path, .runtime_dir = config.runtime_dir};
  for (const Profile& profile : config.profiles)
    overview.profiles.push_back({profile.name, profile.provider});
  const auto runtime = TRY(RuntimeDir::open_existing(config.runtime_dir));
  if (!runtime) return overview;
  overview.storage = runtime->share_storage();
  auto listing = TRY(ContainerLedger(runtime->fd()).list());
  const Records records = {*runtime, std::move(listing.records), proxied_containers(*runtime)};
  overview.unreadable = std::move(listing.unreadable);
  if (config.fleet) overview.follower = TRY(runtime->follower());
  for (ProfileView& profile : overview.profiles) {
    profile.published = TRY(runtime->published(profile.name));
    profile.history = TRY(runtime->history(profile.name)).value_or(RefreshHistory{});
    profile.state = state_of(profile.published, now);
    profile.containers = holders_of(records, profile);
  }
  std::ranges::move(left_over(config, records), std::back_inserter(overview.profiles));
  // sink_states() would make the directory.
  if (::access((runtime->path() + "/sinks").c_str(), F_OK) == 0) overview.sinks = TRY(sink_states(*runtime));
  return overview;
}

}  // namespace oci_oauth
