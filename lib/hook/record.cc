// SPDX-License-Identifier: Apache-2.0
#include "hook/record.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "config/provider.h"
#include "delivery/forget_container.h"
#include "delivery/share.h"
#include "oci/container_process.h"
#include "program/installed_programs.h"

namespace oci_oauth {

namespace {

// The directory, and its files' attributes in the container.
Result<void> describe_written(const CreateContext& context, Delivery& delivery) {
  DeliveryRecord& record = delivery.record;
  struct stat status;
  if (::fstat(delivery.target.get(), &status) != 0) return Error::from_errno(errno, record.target);
  record.kind = DeliveryKind::write;
  record.source = delivery.chosen.bind_source;
  record.device = status.st_dev;
  record.inode = status.st_ino;
  record.user_namespace = own_user_namespace();
  record.mode = delivery.chosen.profile->mode;
  record.label = context.spec.mount_label;
  return {};
}

Result<Provider> provider_of(const CreateContext& context, const Profile& profile) {
  std::string prefix = context.call.installation;
  if (prefix.empty()) prefix = TRY(installation_prefix(levels_of_hook));
  return load_provider(profile, provider_directories(prefix));
}

// Other records are read only if a file already exists; otherwise each of a crowd of hooks would read all of
// them.
bool is_any_there(int directory, const std::vector<WrittenFile>& files) {
  return std::ranges::any_of(files, [&](const WrittenFile& file) {
    struct stat status;
    return ::fstatat(directory, file.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  });
}

// The names that the provider delivers, their published content, and what is already there.
Result<void> plan_files(const CreateContext& context, Delivery& delivery) {
  DeliveryRecord& record = delivery.record;
  const auto provider = TRY(provider_of(context, *delivery.chosen.profile));
  std::vector<WrittenFile> files = delivered_files(provider);
  keep_memory_private();
  const auto directory = TRY(context.runtime.share(record.profile));
  auto share = TRY(read_share(directory.get(), files));
  delivery.share = std::move(share);
  // A person bind-mounted it under another path than the configured one, so nothing is to be written.
  if (FileId{record.device, record.inode} == delivery.share.directory) return {};
  record.files = std::move(files);
  plan_delivery(record, delivery.share);

  const auto published = TRY(context.runtime.published(record.profile));
  if (published) delivery.knowledge.login = published->login;
  if (!is_any_there(delivery.target.get(), record.files)) return {};
  const auto written = TRY(context.ledger.list_written());
  delivery.knowledge.known = known_fingerprints(written.records(), record);
  UniqueFd target(::fcntl(delivery.target.get(), F_DUPFD_CLOEXEC, 0));
  const DeliveryRecord looked_at = record;
  WrittenDirectory(std::move(target), looked_at, {}, record.target)
      .note_what_was_there(record.files, delivery.knowledge);
  return {};
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
  return std::ranges::any_of(earlier.deliveries, [&](const DeliveryRecord& record) {
    return record.profile == chosen.profile->name && record.target == chosen.target &&
           record.state != DeliveryState::failed;
  });
}

Result<std::optional<FileLock>> lock_ledger(const CreateContext& context, const Earlier& earlier,
                                            const std::vector<Delivery>& deliveries) {
  const bool writes = std::ranges::any_of(deliveries, [](const Delivery& one) {
    return one.chosen.consent == Consent::write && !one.has_failed();
  });
  if (!writes && !earlier.has_left_files) return std::optional<FileLock>();
  auto lock = TRY(context.ledger.lock(std::chrono::steady_clock::now() + longest_wait_for_ledger));
  return std::optional<FileLock>(std::move(lock));
}

void note_failed_step(const Spec& spec, Delivery& delivery, const Error& error) {
  DeliveryRecord record = Delivery(delivery.chosen).record;
  if (delivery.chosen.consent == Consent::write) {
    record.kind = DeliveryKind::write;
    record.source = delivery.chosen.bind_source;
    record.mode = delivery.chosen.profile->mode;
    record.label = spec.mount_label;
  }
  (void)note_failed(record, error);
  delivery.record = std::move(record);
}

Result<void> describe(const CreateContext& context, Delivery& delivery) {
  if (delivery.chosen.consent != Consent::write) return {};
  TRY(describe_written(context, delivery));
  return plan_files(context, delivery);
}

Result<void> save(const CreateContext& context, const Earlier& earlier,
                  const std::vector<Delivery>& deliveries) {
  if (!context.identity) return context.identity.error();
  if (earlier.has_left_files) {
    // Files that cannot be removed are still identified by their record's fingerprints, which must stay.
    TRY(forget_earlier_life(context, earlier));
  }
  std::vector<DeliveryRecord> records = earlier.deliveries;
  for (const Delivery& one : deliveries) {
    std::erase_if(records, [&](const DeliveryRecord& before) {
      return before.profile == one.record.profile && before.target == one.record.target;
    });
    records.push_back(one.record);
  }
  const ContainerState& state = context.call.state;
  return context.ledger.save(earlier.place.name,
                             {state.id, state.bundle, *context.identity, now(), std::move(records)});
}

}  // namespace oci_oauth
