// SPDX-License-Identifier: Apache-2.0
#include "delivery/forget_container.h"

#include "base/fmt.h"
#include "delivery/written_directory.h"

namespace oci_oauth {

namespace {

Result<void> clean(const RuntimeDir& runtime, const ContainerRecord& record, const DeliveryRecord& delivery,
                   const std::vector<ContainerRecord>& all) {
  const std::string shown = fmt::format("container {}: {}", record.id, delivery.source);
  const auto directory = WrittenDirectory::open(delivery, record.process, shown);
  if (!directory && directory.error().kind == ErrorKind::not_found) return {};
  if (!directory) return directory.error();
  const auto published = runtime.published(delivery.profile);
  const FileStamp login = published && *published ? (*published)->login : FileStamp{};
  return directory->clean({login, known_fingerprints(all, delivery)});
}

}  // namespace

Result<void> forget_container(const RuntimeDir& runtime, const ContainerLedger& ledger,
                              const ContainerLedger::Entry& entry, const std::vector<ContainerRecord>& all) {
  for (const DeliveryRecord& delivery : entry.record.deliveries) {
    if (delivery.kind != DeliveryKind::write || is_shared(all, entry.record, delivery)) continue;
    TRY(clean(runtime, entry.record, delivery, all));
  }
  ledger.remove(entry.name);
  return {};
}

}  // namespace oci_oauth
