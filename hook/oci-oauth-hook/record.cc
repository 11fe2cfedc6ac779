// SPDX-License-Identifier: Apache-2.0
#include "record.h"

#include <algorithm>
#include <cerrno>

#include "base/fmt.h"
#include "oci/user_namespace.h"

namespace oci_oauth {

namespace {

// The directory, its files' owner and what they are for the container.
Result<void> describe_written(const Creation& creation, const Prepared& prepared, DeliveryRecord& record) {
  struct stat status;
  if (::fstat(prepared.target.get(), &status) != 0) return Error::from_errno(errno, record.target);
  record.kind = DeliveryKind::write;
  record.source = prepared.chosen.bind_source;
  record.device = status.st_dev;
  record.inode = status.st_ino;
  record.owner = prepared.owner;
  record.user_namespace = own_user_namespace();
  record.mode = prepared.chosen.profile->mode;
  record.label = creation.spec.mount_label;
  return {};
}

}  // namespace

// A record of another process is of the container's life before a restart.
std::vector<DeliveryRecord> recorded_earlier(const Creation& creation) {
  if (!creation.identity) return {};
  auto record = load_record(creation.containers.get(), creation.call.state.id);
  if (!record || record->process != *creation.identity) return {};
  return std::move(record->deliveries);
}

bool is_recorded(const std::vector<DeliveryRecord>& records, const Chosen& chosen) {
  return std::any_of(records.begin(), records.end(), [&](const DeliveryRecord& record) {
    return record.profile == chosen.profile->name && record.target == chosen.target;
  });
}

Result<Recorded> record(const Creation& creation, Prepared prepared) {
  DeliveryRecord record;
  record.profile = prepared.chosen.profile->name;
  record.target = prepared.chosen.target;
  if (prepared.chosen.consent == Consent::write) {
    if (auto described = describe_written(creation, prepared, record); !described)
      return std::move(described).error();
  }
  return Recorded{std::move(prepared), std::move(record)};
}

Result<void> save(const Creation& creation, const std::vector<DeliveryRecord>& earlier,
                  const std::vector<Recorded>& recorded) {
  if (!creation.identity) return creation.identity.error();
  std::vector<DeliveryRecord> deliveries = earlier;
  for (const Recorded& one : recorded) deliveries.push_back(one.record);
  return save_record(creation.containers.get(),
                     {creation.call.state.id, *creation.identity, now(), std::move(deliveries)});
}

}  // namespace oci_oauth
