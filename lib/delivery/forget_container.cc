// SPDX-License-Identifier: Apache-2.0
#include "delivery/forget_container.h"

#include "delivery/delivery.h"
#include "delivery/written_directory.h"

namespace oci_oauth {

namespace {

void remove_written(const RuntimeDir& runtime, const DeliveryRecord& delivery) {
  const auto directory = open_same_directory(delivery.source, delivery.device, delivery.inode);
  if (!directory) return;
  const auto known = runtime.published(delivery.profile);
  const FileStamp login = known && *known ? (*known)->login : FileStamp{};
  remove_delivered(directory->get(), delivery.files, login);
}

}  // namespace

void forget_container(const RuntimeDir& runtime, const ContainerRecord& record,
                      const std::vector<ContainerRecord>& others) {
  for (const DeliveryRecord& delivery : record.deliveries) {
    if (delivery.kind == DeliveryKind::write && !is_shared(others, record.id, delivery))
      remove_written(runtime, delivery);
  }
  remove_record(runtime.containers().get(), record.id);
}

}  // namespace oci_oauth
