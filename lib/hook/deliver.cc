// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/fmt.h"
#include "base/text.h"
#include "config/provider.h"
#include "hook/creation.h"
#include "oci/mount.h"
#include "program/installed_programs.h"

namespace oci_oauth {

namespace {

// Planned, and a mount or a socket unless it is written.
DeliveryRecord planned_record(const Chosen& chosen, const Spec& spec) {
  const Profile& profile = *chosen.profile;
  DeliveryRecord record;
  record.profile = profile.name;
  record.target = chosen.target;
  record.shadowed_by = chosen.shadowed_by;
  if (profile.delivery == Delivers::socket) record.kind = DeliveryKind::socket;
  if (chosen.consent == Consent::write) {
    record.kind = DeliveryKind::write;
    record.source = chosen.bind_source;
    record.mode = profile.mode;
    record.label = spec.mount_label;
  }
  return record;
}

Result<Provider> provider_of(const HookCall& call, const Profile& profile) {
  std::string prefix = call.installation;
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

Result<void> write_into(const Creation& creation, Delivery& delivery) {
  const DeliveryRecord& record = delivery.record;
  const WrittenDirectory directory(std::move(delivery.target), record, *creation.identity, record.target);
  TRY(directory.deliver(delivery.share, delivery.knowledge));
  if ((record.mode & S_IROTH) != 0 && is_open_to_others(directory.fd()))
    creation.call.warn(record.profile,
                       fmt::format("other users of this host can read the token in '{}'", record.source),
                       "chmod o-x " + shell_word(record.source));
  note_delivered(delivery.record, delivery.share);
  return {};
}

}  // namespace

Delivery::Delivery(const Chosen& what, const Spec& spec) : chosen(what), record(planned_record(what, spec)) {}

bool Earlier::has_delivered(const Chosen& chosen) const {
  return std::ranges::any_of(deliveries, [&](const DeliveryRecord& one) {
    return one.profile == chosen.profile->name && one.target == chosen.target &&
           one.state != DeliveryState::failed;
  });
}

Earlier find_earlier(const Creation& creation) {
  auto place = creation.ledger().find(creation.call.state.id, creation.call.state.bundle);
  Earlier earlier = {.name = std::move(place.name)};
  if (!place.record) return earlier;
  if (creation.identity && place.record->process == *creation.identity) {
    earlier.deliveries = place.record->deliveries;
  } else {
    earlier.has_left_files = has_written_directory(*place.record);
  }
  earlier.record = std::move(*place.record);
  return earlier;
}

Result<std::optional<FileLock>> lock_ledger(const Creation& creation) {
  const bool writes = std::ranges::any_of(
      creation.deliveries, [](const Delivery& one) { return one.is_written() && !one.has_failed(); });
  if (!writes && !creation.earlier.has_left_files) return std::optional<FileLock>();
  return std::optional(
      TRY(creation.ledger().lock(std::chrono::steady_clock::now() + longest_wait_for_ledger)));
}

Result<void> describe(const Creation& creation, Delivery& delivery) {
  if (!delivery.is_written()) return {};
  DeliveryRecord& record = delivery.record;
  const auto directory = file_id(delivery.target.get());
  if (!directory) return Error::from_errno(errno, record.target);
  record.directory = *directory;
  record.user_namespace = own_user_namespace();

  auto files = delivered_files(TRY(provider_of(creation.call, *delivery.chosen.profile)));
  keep_memory_private();
  const auto share = TRY(creation.runtime->share(record.profile));
  delivery.share = TRY(read_share(share.get(), files));
  // A person bind-mounted it under another path than the configured one, so nothing is to be written.
  if (*directory == delivery.share.directory) return {};
  record.files = std::move(files);
  plan_delivery(record, delivery.share);

  const auto published = TRY(creation.runtime->published(record.profile));
  if (published) delivery.knowledge.login = published->login;
  if (!is_any_there(delivery.target.get(), record.files)) return {};
  const auto written = TRY(creation.ledger().list_written());
  delivery.knowledge.known = known_fingerprints(written.records, record);
  UniqueFd target(::fcntl(delivery.target.get(), F_DUPFD_CLOEXEC, 0));
  record.files =
      WrittenDirectory(std::move(target), record, {}, record.target).files_as_found(delivery.knowledge);
  return {};
}

void note_failed_step(const Creation& creation, Delivery& delivery, const Error& error) {
  delivery.record = planned_record(delivery.chosen, creation.spec);
  (void)note_failed(delivery.record, error);
}

Result<void> save(Creation& creation) {
  if (!creation.identity) return creation.identity.error();
  if (creation.earlier.has_left_files) {
    // Files that cannot be removed are still identified by their record's fingerprints, which must stay.
    const auto all = TRY(creation.ledger().list_written());
    TRY(forget_container(*creation.runtime, *creation.earlier.record, all.records));
    creation.earlier.has_left_files = false;
  }
  std::vector<DeliveryRecord> records = creation.earlier.deliveries;
  for (const Delivery& one : creation.deliveries) {
    std::erase_if(records, [&](const DeliveryRecord& before) {
      return before.profile == one.record.profile && before.target == one.record.target;
    });
    records.push_back(one.record);
  }
  const ContainerState& state = creation.call.state;
  TRY(creation.ledger().save(creation.earlier.name,
                             {state.id, state.bundle, *creation.identity, now(), std::move(records)}));
  creation.is_recorded = true;
  return {};
}

Result<void> deliver(const Creation& creation, Delivery& delivery) {
  Result<void> done;
  if (delivery.chosen.consent == Consent::write) done = write_into(creation, delivery);
  if (delivery.chosen.consent == Consent::mount)
    done = mount_in_container(*creation.process, delivery.tree.get(), delivery.target.get());
  if (!done) (void)note_failed(delivery.record, done.error());
  return done;
}

}  // namespace oci_oauth
