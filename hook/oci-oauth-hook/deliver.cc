// SPDX-License-Identifier: Apache-2.0
#include "deliver.h"

#include <sys/stat.h>

#include "base/fmt.h"
#include "delivery/delivery.h"
#include "oci/mount.h"

namespace oci_oauth {

namespace {

void warn_of_readers(const Creation& creation, const DeliveryRecord& record) {
  creation.call.log.write(
      Priority::warning,
      fmt::format("profile '{}', container {}: other users of this host can read the token in '{}'",
                  record.profile, creation.call.state.id, record.source),
      fmt::format("chmod o-x {}", record.source));
}

Result<void> write_into(const Creation& creation, Prepared& prepared, DeliveryRecord& record) {
  auto known = creation.runtime.published(record.profile);
  if (!known) return std::move(known).error();
  const FileStamp login = *known ? (*known)->login : FileStamp{};
  const auto share = read_share(prepared.share.get());
  if (!share) return share.error();
  const FileAccess access = {record.owner, record.mode, record.label};
  auto written = deliver_files(*share, prepared.target.get(), record.target, access, login);
  if (!written) return std::move(written).error();
  record.files = std::move(*written);
  if ((record.mode & S_IROTH) != 0 && is_open_to_others(prepared.target.get()))
    warn_of_readers(creation, record);
  return {};
}

}  // namespace

Result<void> deliver(const Creation& creation, Recorded& recorded) {
  Prepared& prepared = recorded.prepared;
  switch (prepared.chosen.consent) {
    case Consent::write:
      return write_into(creation, prepared, recorded.record);
    case Consent::mount:
      return mount_in_container(creation.process, prepared.tree.get(), prepared.target.get());
    case Consent::in_place:
    case Consent::no:
      return {};
  }
  return {};
}

}  // namespace oci_oauth
