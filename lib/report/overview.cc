// SPDX-License-Identifier: Apache-2.0
#include "report/overview.h"

#include <unistd.h>

#include "base/file.h"
#include "delivery/container_ledger.h"
#include "delivery/written_directory.h"
#include "oci/container_root.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

bool login_is_refused(const Published& published) {
  return published.is_dead ||
         (published.last_error && published.last_error->kind == FailureKind::login_required);
}

// What is really there, which the record alone does not say.
class Look {
 public:
  Look(const RuntimeDir& runtime, const std::vector<ContainerRecord>& all,
       const std::vector<ProxiedContainer>& proxied, const ProfileView& profile)
      : all_(all), proxied_(proxied), profile_(profile.name) {
    if (profile.published) login_ = profile.published->login;
    is_published_ = profile.published && profile.published->has_token();
    share_ = open_file(runtime.share_directory(profile.name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  }

  void at(const ContainerRecord& record, const DeliveryRecord& delivery, ContainerView& view) const {
    switch (delivery.kind) {
      case DeliveryKind::mount:
        at_mount(record, delivery, view);
        break;
      case DeliveryKind::write:
        at_directory(record, delivery, view);
        break;
      case DeliveryKind::socket:
        at_socket(record, view);
    }
    // A failed attempt says more than what is missing since, because what prevents writing changes.
    const bool is_told = view.token == Holding::current ||
                         (view.token == Holding::failed && delivery.kind == DeliveryKind::write);
    if (delivery.state != DeliveryState::failed || is_told) return;
    say(view, Holding::failed, {ErrorKind::failed, delivery.reason, delivery.hint});
  }

 private:
  static Error nothing_published() { return {ErrorKind::failed, "nothing has been published yet", ""}; }
  static void say(ContainerView& view, Holding token, const Error& why) {
    view.token = token;
    view.reason = why.message;
    view.hint = why.hint;
  }
  void at_mount(const ContainerRecord& record, const DeliveryRecord& delivery, ContainerView& view) const {
    const auto process = ContainerProcess::open(record.process.pid);
    const auto root = process ? ContainerRoot::open(*process, "/") : Result<ContainerRoot>(process.error());
    if (!root) return say(view, Holding::unknown, root.error());
    const auto target = root->open_directory(delivery.target);
    const bool is_mounted = target && share_ && is_same_file(file_id(share_->get()), file_id(target->get()));
    if (!is_mounted) {
      return say(view, Holding::failed,
                 {ErrorKind::failed, delivery.target + ": the token's directory is not mounted there",
                  "recreate the container"});
    }
    if (!is_published_) return say(view, Holding::unknown, nothing_published());
    view.token = Holding::current;
  }
  void at_directory(const ContainerRecord& record, const DeliveryRecord& delivery,
                    ContainerView& view) const {
    const auto share = share_ ? read_share(share_->get(), delivery.files) : Result<Share>(share_.error());
    if (!share) return say(view, Holding::unknown, share.error());
    const auto directory = WrittenDirectory::open(delivery, record.process, delivery.target);
    if (!directory) return say(view, Holding::unknown, directory.error());
    const auto looked = directory->look(*share, {login_, known_fingerprints(all_, delivery)});
    if (!looked) {
      const bool is_lacking = looked.error().kind == ErrorKind::not_found;
      return say(view, is_lacking ? Holding::outdated : Holding::failed, looked.error());
    }
    if (share->files.empty() && !delivery.files.empty())
      return say(view, Holding::unknown, nothing_published());
    view.token = Holding::current;
  }

  void at_socket(const ContainerRecord& record, ContainerView& view) const {
    for (const ProxiedContainer& one : proxied_) {
      if (one.profile == profile_ && one.id == record.id) view.asked = one;
    }
    if (view.asked) {
      view.token = Holding::current;
    } else {
      say(view, Holding::failed,
          {ErrorKind::failed, "the proxy does not serve its socket", "recreate the container"});
    }
  }

  const std::vector<ContainerRecord>& all_;
  const std::vector<ProxiedContainer>& proxied_;
  std::string profile_;
  FileStamp login_;
  bool is_published_ = false;
  Result<UniqueFd> share_ = UniqueFd();
};

std::vector<ContainerView> holders_of(const RuntimeDir& runtime, const std::vector<ContainerRecord>& records,
                                      const std::vector<ProxiedContainer>& proxied,
                                      const ProfileView& profile) {
  std::vector<ContainerView> holders;
  const Look look(runtime, records, proxied, profile);
  for (const ContainerRecord& record : records) {
    if (!is_running(record.process)) continue;
    for (const DeliveryRecord& delivery : record.deliveries) {
      if (delivery.profile != profile.name) continue;
      ContainerView view = {record.id, delivery.kind, delivery.target, record.created_at};
      view.shadowed_by = delivery.shadowed_by;
      look.at(record, delivery, view);
      holders.push_back(std::move(view));
    }
  }
  return holders;
}

// Profiles that were in the configuration, and that running containers still have.
void add_left_over(Overview& overview, const Config& config, const RuntimeDir& runtime,
                   const std::vector<ContainerRecord>& records,
                   const std::vector<ProxiedContainer>& proxied) {
  for (const std::string& name : runtime.profiles_of(config.path)) {
    if (config.find(name) != nullptr) continue;
    ProfileView profile = {.name = name};
    profile.containers = holders_of(runtime, records, proxied, profile);
    for (ContainerView& container : profile.containers) {
      container.token = Holding::outdated;
      container.reason = "its profile was removed from the configuration";
      container.hint = "add the profile again, or recreate the container with another one";
    }
    profile.is_left_over = true;
    if (!profile.containers.empty()) overview.profiles.push_back(std::move(profile));
  }
}

Result<void> fill(Overview& overview, const Config& config, const RuntimeDir& runtime, Time now) {
  overview.storage = runtime.share_storage();
  const auto listing = TRY(ContainerLedger(runtime.fd()).list());
  const std::vector<ContainerRecord> records = listing.records();
  overview.unreadable = listing.unreadable;
  if (config.fleet) overview.follower = TRY(runtime.follower());
  const std::vector<ProxiedContainer> proxied = proxied_containers(runtime);
  for (ProfileView& profile : overview.profiles) {
    profile.published = TRY(runtime.published(profile.name));
    profile.history = TRY(runtime.history(profile.name)).value_or(RefreshHistory{});
    profile.state = state_of(profile.published, now);
    profile.containers = holders_of(runtime, records, proxied, profile);
  }
  add_left_over(overview, config, runtime, records, proxied);
  // sink_states() would make the directory.
  if (::access((runtime.path() + "/sinks").c_str(), F_OK) != 0) return {};
  overview.sinks = TRY(sink_states(runtime));
  return {};
}

}  // namespace

std::optional<Time> ProfileView::expires_at() const {
  return published ? published->known_expiry() : std::nullopt;
}

ProfileState state_of(const std::optional<Published>& published, Time now) {
  if (!published) return ProfileState::unknown;
  if (login_is_refused(*published)) return ProfileState::login_required;
  if (!published->has_token()) return ProfileState::unknown;
  const Freshness is = freshness(*published, now);
  return is == Freshness::fresh ? ProfileState::fresh
         : is == Freshness::due ? ProfileState::due
                                : ProfileState::expired;
}

Result<Overview> look_over(const Config& config, Time now) {
  Overview overview = {config.path, config.runtime_dir, ShareStorage::memory, {}, {}, {}};
  for (const Profile& profile : config.profiles) {
    overview.profiles.push_back({profile.name, profile.provider});
  }
  auto runtime = TRY(RuntimeDir::open_existing(config.runtime_dir));
  if (!runtime) return overview;
  TRY(fill(overview, config, *runtime, now));
  return overview;
}

}  // namespace oci_oauth
