// SPDX-License-Identifier: Apache-2.0
#include "create_runtime.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/size.h"
#include "delivery/choice.h"
#include "delivery/container_record.h"
#include "delivery/delivery.h"
#include "delivery/forget_container.h"
#include "delivery/written_directory.h"
#include "oci/container_process.h"
#include "oci/container_root.h"
#include "oci/mount.h"
#include "oci/spec.h"
#include "oci/user_namespace.h"
#include "refresh_request.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

constexpr size_t spec_limit = 16 * MiB;

// A profile for this container, with everything that needs the host's paths resolved.
struct Delivery {
  const Profile* profile;
  Consent consent;
  std::string bind_source;
  UniqueFd share, tree, target;
};

Result<Spec> read_spec(const ContainerState& state) {
  const std::string path = state.bundle + "/config.json";
  auto text = read_file({.path = path}, spec_limit);
  if (!text) return std::move(text).error();
  return parse_spec(*text, path);
}

std::string rootfs_of(const Spec& spec, const ContainerState& state) {
  if (spec.root_path.starts_with('/')) return spec.root_path;
  return fmt::format("{}/{}", state.bundle, spec.root_path);
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class Creation {
 public:
  Creation(const HookCall& call, const Spec& spec, const RuntimeDir& runtime, const ContainerProcess& process)
      : call_(call), spec_(spec), runtime_(runtime), process_(process) {}

  // Engines call the hook once for each CDI device, and once more where there is a hook file.
  bool has_delivered(const Profile& profile) const;
  // Makes sure that the profile's token is fresh; waits no longer than hook_wait.
  Result<void> ensure_fresh(const Profile& profile);
  Result<Delivery> resolve(const Profile& profile, const Decision& decision);
  Result<DeliveryRecord> record_of(const Delivery& delivery) const;
  Result<UniqueFd> clone_share(const Delivery& delivery) const;
  Result<void> deliver(Delivery& delivery, DeliveryRecord& record) const;
  void warn_of_readers(const DeliveryRecord& record) const;
  // Records them beside those of earlier calls.
  Result<void> save(std::vector<DeliveryRecord> deliveries) const;

 private:
  std::vector<DeliveryRecord> delivered_earlier() const;
  Result<std::optional<Published>> published(const Profile& profile) const {
    return runtime_.published(profile.name);
  }

  const HookCall& call_;
  const Spec& spec_;
  const RuntimeDir& runtime_;
  const ContainerProcess& process_;
  const UniqueFd containers_ = runtime_.containers();
  const Result<ProcessId> identity_ = identify_process(call_.state.pid);
  const std::vector<DeliveryRecord> earlier_ = delivered_earlier();
  // All profiles together wait no longer than the longest hook_wait: the runtime's own timeout counts them
  // together too.
  const SteadyTime began_ = std::chrono::steady_clock::now();
};

Error no_token(const Published& published) {
  if (!published.last_error)
    return {ErrorKind::temporary, "there is no valid token", "run oci-oauth refresh"};
  const LastError& error = *published.last_error;
  return {error_kind(error.kind), error.message, error.hint};
}

Result<void> Creation::ensure_fresh(const Profile& profile) {
  const Time time = now();
  auto known = published(profile);
  if (!known) return std::move(known).error();
  const RefreshRequest request = {runtime_, profile.name, call_.config.path, time};
  if (*known) {
    const Published& token = **known;
    const bool unchanged = login_is_unchanged(profile.credentials, token);
    const Freshness state = freshness(time, token.due_at, token.expires_at);
    if (unchanged && token.has_token() && state == Freshness::fresh) return {};
    // A dead login or a cool-down needs no refresher to be told again.
    const bool futile = unchanged && (!token.dead_refresh_token_hash.empty() || token.rests(time));
    if (futile) return state == Freshness::expired ? Result<void>(no_token(token)) : Result<void>();
    if (unchanged && state == Freshness::due) return start_refresh(request);
  }
  if (auto waited = wait_for_refresh(request, began_ + profile.hook_wait); !waited) {
    return waited;
  }
  known = published(profile);
  if (!known) return std::move(known).error();
  const Published token = known->value_or(Published{});
  if (!token.has_token() || now() >= token.expires_at) return no_token(token);
  return {};
}

Result<Delivery> Creation::resolve(const Profile& profile, const Decision& decision) {
  Delivery delivery = {&profile, decision.consent, std::string(decision.bind_source), {}, {}, {}};
  auto share = runtime_.share(profile.name);
  if (!share) return std::move(share).error();
  delivery.share = std::move(*share);
  if (decision.consent == Consent::in_place) return delivery;

  auto root = ContainerRoot::open(process_, rootfs_of(spec_, call_.state));
  if (!root) return std::move(root).error();
  auto target = decision.consent == Consent::write
                    ? root->open_directory(profile.target)
                    : root->make_directory(profile.target, spec_.root_on_host());
  if (!target) return std::move(target).error();
  delivery.target = std::move(*target);
  if (decision.consent == Consent::mount) {
    if (auto checked = check_unshared(process_, delivery.target.get()); !checked)
      return std::move(checked).error();
    auto tree = clone_share(delivery);
    if (!tree) return std::move(tree).error();
    delivery.tree = std::move(*tree);
  }
  return delivery;
}

// Without CAP_SYS_ADMIN nobody changes a mount's flags, so that only such a container pays for the lock.
Result<UniqueFd> Creation::clone_share(const Delivery& delivery) const {
  if (auto labelled = label_share(delivery.share.get(), spec_.mount_label); !labelled)
    return std::move(labelled).error();
  auto tree = clone_tree_read_only(delivery.share.get());
  if (!tree || !spec_.may_mount) return tree;
  auto locked = lock_flags(tree->get(), runtime_.share_path(delivery.profile->name));
  if (locked) return locked;
  call_.log.write(Priority::notice, std::move(locked).error().in(fmt::format(
                                        "profile '{}', container {}: it can make its mount writable",
                                        delivery.profile->name, call_.state.id)));
  return tree;
}

Result<DeliveryRecord> Creation::record_of(const Delivery& delivery) const {
  DeliveryRecord record;
  record.profile = delivery.profile->name;
  record.target = delivery.profile->target;
  if (delivery.consent != Consent::write) return record;

  const auto owner = spec_.user_on_host();
  if (!owner) {
    return Error{ErrorKind::failed,
                 fmt::format("uid {} of the container is not mapped to the host", spec_.uid),
                 "map it, or let the hook mount the directory instead of writing into one"};
  }
  struct stat status;
  if (::fstat(delivery.target.get(), &status) != 0) return Error::from_errno(errno, record.target);
  record.kind = DeliveryKind::write;
  record.source = delivery.bind_source;
  record.device = status.st_dev;
  record.inode = status.st_ino;
  record.owner = *owner;
  record.user_namespace = own_user_namespace();
  record.mode = delivery.profile->mode;
  record.label = spec_.mount_label;
  return record;
}

Result<void> Creation::deliver(Delivery& delivery, DeliveryRecord& record) const {
  if (delivery.consent == Consent::mount) {
    return mount_in_container(process_, delivery.tree.get(), delivery.target.get());
  }
  // The host's own view of the directory is writable where the container's is a read-only bind mount.
  if (auto source = open_same_directory(record.source, record.device, record.inode))
    delivery.target = std::move(*source);
  auto known = published(*delivery.profile);
  if (!known) return std::move(known).error();
  const FileStamp login = *known ? (*known)->login : FileStamp{};
  const auto share = read_share(delivery.share.get());
  if (!share) return share.error();
  const FileAccess access = {record.owner, record.mode, record.label};
  auto written = deliver_files(*share, delivery.target.get(), record.target, access, login);
  if (!written) return std::move(written).error();
  record.files = std::move(*written);
  if ((record.mode & S_IROTH) != 0 && is_open_to_others(delivery.target.get())) warn_of_readers(record);
  return {};
}

void Creation::warn_of_readers(const DeliveryRecord& record) const {
  call_.log.write(
      Priority::warning,
      fmt::format("profile '{}', container {}: other users of this host can read the token in '{}'",
                  record.profile, call_.state.id, record.source),
      fmt::format("chmod o-x {}, or set the profile's \"mode\" to \"0400\"", record.source));
}

// A record of another process is of the container's life before a restart.
std::vector<DeliveryRecord> Creation::delivered_earlier() const {
  if (!identity_) return {};
  auto record = load_record(containers_.get(), call_.state.id);
  if (!record || record->process != *identity_) return {};
  return std::move(record->deliveries);
}

bool Creation::has_delivered(const Profile& profile) const {
  return std::any_of(earlier_.begin(), earlier_.end(),
                     [&](const DeliveryRecord& delivery) { return delivery.profile == profile.name; });
}

Result<void> Creation::save(std::vector<DeliveryRecord> deliveries) const {
  if (!identity_) return identity_.error();
  deliveries.insert(deliveries.begin(), earlier_.begin(), earlier_.end());
  return save_record(containers_.get(), {call_.state.id, *identity_, now(), std::move(deliveries)});
}

// Logs what went wrong for one profile; it is the container's failure only where the profile says so.
class Failures {
 public:
  explicit Failures(const HookCall& call) : call_(call) {}

  void add(const Profile& profile, Error error) {
    Error told = std::move(error).in(fmt::format("profile '{}', container {}", profile.name, call_.state.id));
    const bool blocks = profile.on_failure == OnFailure::block;
    call_.log.write(blocks ? Priority::error : Priority::warning, told);
    if (blocks && !blocking_) blocking_ = std::move(told);
  }
  Result<void> result() && { return blocking_ ? Result<void>(std::move(*blocking_)) : Result<void>(); }

 private:
  const HookCall& call_;
  std::optional<Error> blocking_;
};

bool blocks_chosen_by_argument(const HookCall& call) {
  return std::any_of(call.config.profiles.begin(), call.config.profiles.end(), [&](const Profile& profile) {
    return profile.on_failure == OnFailure::block &&
           (profile.deliver_to == DeliverTo::all || contains(call.profiles, profile.name));
  });
}

struct Choice {
  const Profile* profile;
  Decision decision;
};

std::vector<Choice> chosen_profiles(const HookCall& call, const Spec& spec) {
  std::vector<Choice> chosen;
  for (const std::string& name : call.profiles) {
    if (call.config.find(name) == nullptr) {
      call.log.write(Priority::warning, fmt::format("profile '{}': is not in {}", name, call.config.path),
                     "add it there, or correct the --profile of the hook file or CDI device");
    }
  }
  const Occasion occasion = {.by_argument = call.profiles, .in_build = is_build_step(call.state)};
  for (const Profile& profile : call.config.profiles) {
    Decision decision = decide(call.config, profile, occasion, spec);
    if (decision.consent != Consent::no) {
      chosen.push_back({&profile, std::move(decision)});
    } else if (!decision.why_not.empty()) {
      call.log.write(Priority::notice, fmt::format("profile '{}', container {}: no token delivered: {}",
                                                   profile.name, call.state.id, decision.why_not));
    }
  }
  return chosen;
}

Result<void> serve(const HookCall& call, const Spec& spec, const RuntimeDir& runtime,
                   const std::vector<Choice>& chosen) {
  Failures failures(call);
  auto container = ContainerProcess::open(call.state.pid);
  if (!container) {
    for (const Choice& choice : chosen) failures.add(*choice.profile, Error(container.error()));
    return std::move(failures).result();
  }
  Creation creation(call, spec, runtime, *container);
  std::vector<Delivery> deliveries;
  std::vector<DeliveryRecord> records;
  for (const auto& [profile, decision] : chosen) {
    if (creation.has_delivered(*profile)) continue;
    // Without a valid token the directory is delivered all the same: the next refresh heals the container.
    if (auto fresh = creation.ensure_fresh(*profile); !fresh)
      failures.add(*profile, std::move(fresh).error());
    auto delivery = creation.resolve(*profile, decision);
    auto record = delivery ? creation.record_of(*delivery) : Result<DeliveryRecord>(delivery.error());
    if (!record) {
      failures.add(*profile, std::move(record).error());
      continue;
    }
    deliveries.push_back(std::move(*delivery));
    records.push_back(std::move(*record));
  }
  if (deliveries.empty()) return std::move(failures).result();

  // The record comes first: a hook that is killed after it leaves nothing that a sweep cannot find.
  if (auto saved = creation.save(records); !saved)
    failures.add(*chosen.front().profile, std::move(saved).error());
  call.log.connect();  // entering the container's mount namespace takes the way to the log away
  // Written directories are reached from the host, so they come before the first mount.
  for (const Consent consent : {Consent::write, Consent::mount}) {
    for (size_t i = 0; i < deliveries.size(); ++i) {
      if (deliveries[i].consent != consent) continue;
      if (auto done = creation.deliver(deliveries[i], records[i]); !done)
        failures.add(*deliveries[i].profile, std::move(done).error());
    }
  }
  const bool wrote =
      std::any_of(records.begin(), records.end(), [](const auto& r) { return !r.files.empty(); });
  if (wrote) (void)creation.save(std::move(records));
  return std::move(failures).result();
}

}  // namespace

Result<void> create_runtime(const HookCall& call) {
  auto spec = read_spec(call.state);
  if (!spec) {
    Error error = std::move(spec).error().in(fmt::format("container {}: no token delivered", call.state.id));
    call.log.write(Priority::warning, error);
    if (blocks_chosen_by_argument(call)) return error;
    return {};
  }
  const std::vector<Choice> chosen = chosen_profiles(call, *spec);
  if (chosen.empty()) return {};

  auto runtime = RuntimeDir::open(call.config.runtime_dir);
  if (!runtime) {
    Failures failures(call);
    for (const Choice& choice : chosen) failures.add(*choice.profile, Error(runtime.error()));
    return std::move(failures).result();
  }
  return serve(call, *spec, *runtime, chosen);
}

void poststop(const HookCall& call) {
  auto runtime = RuntimeDir::open(call.config.runtime_dir);
  if (!runtime) return;
  const UniqueFd directory = runtime->containers();
  auto record = load_record(directory.get(), call.state.id);
  if (!record) return;
  std::vector<ContainerRecord> others;
  if (has_written_directory(*record)) {
    if (auto listed = list_written_records(directory.get())) others = std::move(*listed);
  }
  forget_container(*runtime, *record, others);
}

}  // namespace oci_oauth
