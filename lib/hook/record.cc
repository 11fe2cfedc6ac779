// SPDX-License-Identifier: Apache-2.0
#include "hook/record.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/fmt.h"
#include "config/provider.h"
#include "delivery/delivery_state.h"
#include "delivery/forget_container.h"
#include "oci/user_namespace.h"
#include "program/installation.h"

namespace oci_oauth {

namespace {

// The directory, the owner of its files, and their attributes in the container.
Result<void> describe_written(const CreateContext& context, const Prepared& prepared,
                              DeliveryRecord& record) {
  struct stat status;
  if (::fstat(prepared.target.get(), &status) != 0) return Error::from_errno(errno, record.target);
  record.kind = DeliveryKind::write;
  record.source = prepared.chosen.bind_source;
  record.device = status.st_dev;
  record.inode = status.st_ino;
  record.owner = prepared.owner;
  record.user_namespace = own_user_namespace();
  record.mode = prepared.chosen.profile->mode;
  record.label = context.spec.mount_label;
  return {};
}

Result<Provider> provider_of(const Profile& profile) {
  const auto prefix = TRY(installation_prefix(levels_of_hook));
  return load_provider(profile.provider, provider_directories(prefix));
}

// Other records are read only if a file already exists; otherwise each of a crowd of hooks would read all of
// them.
bool is_any_there(int directory, const std::vector<WrittenFile>& files) {
  return std::any_of(files.begin(), files.end(), [&](const WrittenFile& file) {
    struct stat status;
    return ::fstatat(directory, file.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  });
}

// The names that the provider delivers, their published content, and what is already there.
Result<void> plan_files(const CreateContext& context, Recorded& recorded) {
  DeliveryRecord& record = recorded.record;
  const auto provider = TRY(provider_of(*recorded.prepared.chosen.profile));
  std::vector<WrittenFile> files = delivered_files(provider);
  keep_memory_private();
  auto share = TRY(read_share(recorded.prepared.share.get(), files));
  recorded.share = std::move(share);
  // A person bind-mounted it under another path than the configured one, so nothing is to be written.
  if (FileId{record.device, record.inode} == recorded.share.directory) return {};
  record.files = std::move(files);
  plan_delivery(record, recorded.share);

  const auto published = TRY(context.runtime.published(record.profile));
  if (published) recorded.knowledge.login = published->login;
  if (!is_any_there(recorded.prepared.target.get(), record.files)) return {};
  const auto written = TRY(context.ledger.list_written());
  recorded.knowledge.known = known_fingerprints(written.records(), record);
  UniqueFd directory(::fcntl(recorded.prepared.target.get(), F_DUPFD_CLOEXEC, 0));
  const DeliveryRecord looked_at = record;
  WrittenDirectory(std::move(directory), looked_at, {}, record.target)
      .note_what_was_there(record.files, recorded.knowledge);
  return {};
}

Recorded record_of(Prepared prepared) {
  Recorded recorded = {std::move(prepared), {}};
  recorded.record.profile = recorded.prepared.chosen.profile->name;
  recorded.record.target = recorded.prepared.chosen.target;
  recorded.record.shadowed_by = recorded.prepared.chosen.shadowed_by;
  return recorded;
}

Result<void> forget_earlier_life(const CreateContext& context, const Earlier& earlier) {
  const auto all = TRY(context.ledger.list_written());
  return forget_container(context.runtime, context.ledger, {earlier.place.name, *earlier.place.record},
                          all.records());
}

}  // namespace

Earlier find_earlier(const CreateContext& context) {
  Earlier earlier = {context.ledger.find(context.call.state.id, context.call.state.bundle), {}};
  if (!earlier.place.record) return earlier;
  const ContainerRecord& record = *earlier.place.record;
  if (context.identity && record.process == *context.identity) {
    earlier.deliveries = record.deliveries;
  } else {
    earlier.has_left_files = has_written_directory(record);
  }
  return earlier;
}

bool is_delivered(const Earlier& earlier, const Chosen& chosen) {
  return std::any_of(earlier.deliveries.begin(), earlier.deliveries.end(), [&](const DeliveryRecord& record) {
    return record.profile == chosen.profile->name && record.target == chosen.target &&
           record.state != DeliveryState::failed;
  });
}

Result<std::optional<FileLock>> lock_ledger(const CreateContext& context, const Earlier& earlier,
                                            const std::vector<Prepared>& prepared) {
  const bool writes = std::any_of(prepared.begin(), prepared.end(),
                                  [](const Prepared& one) { return one.chosen.consent == Consent::write; });
  if (!writes && !earlier.has_left_files) return std::optional<FileLock>();
  auto lock = TRY(context.ledger.lock(std::chrono::steady_clock::now() + longest_wait_for_ledger));
  return std::optional<FileLock>(std::move(lock));
}

Recorded failed_record(const CreateContext& context, const Chosen& chosen, const Error& error) {
  Recorded recorded = record_of({chosen, {}, {}, {}});
  if (chosen.consent == Consent::write) {
    recorded.record.kind = DeliveryKind::write;
    recorded.record.source = chosen.bind_source;
    recorded.record.mode = chosen.profile->mode;
    recorded.record.label = context.spec.mount_label;
  }
  (void)note_failed(recorded.record, error);
  return recorded;
}

Result<Recorded> record(const CreateContext& context, Prepared prepared) {
  Recorded recorded = record_of(std::move(prepared));
  if (recorded.prepared.chosen.consent != Consent::write) return recorded;
  TRY(describe_written(context, recorded.prepared, recorded.record));
  TRY(plan_files(context, recorded));
  return recorded;
}

Result<void> save(const CreateContext& context, const Earlier& earlier,
                  const std::vector<Recorded>& recorded) {
  if (!context.identity) return context.identity.error();
  if (earlier.has_left_files) {
    // Files that cannot be removed are still identified by their record's fingerprints, which must stay.
    TRY(forget_earlier_life(context, earlier));
  }
  std::vector<DeliveryRecord> deliveries = earlier.deliveries;
  for (const Recorded& one : recorded) {
    std::erase_if(deliveries, [&](const DeliveryRecord& before) {
      return before.profile == one.record.profile && before.target == one.record.target;
    });
    deliveries.push_back(one.record);
  }
  const ContainerState& state = context.call.state;
  return context.ledger.save(earlier.place.name,
                             {state.id, state.bundle, *context.identity, now(), std::move(deliveries)});
}

}  // namespace oci_oauth
