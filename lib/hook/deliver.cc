// SPDX-License-Identifier: Apache-2.0
#include "hook/deliver.h"

#include <sys/stat.h>

#include "base/fmt.h"
#include "delivery/delivery_state.h"
#include "delivery/written_directory.h"
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

Result<void> write_into(const Creation& creation, Recorded& recorded) {
  const DeliveryRecord& record = recorded.record;
  const WrittenDirectory directory(std::move(recorded.prepared.target), record, *creation.identity,
                                   record.target);
  TRY(directory.deliver(recorded.share, recorded.knowledge));
  if ((record.mode & S_IROTH) != 0 && is_open_to_others(directory.fd())) warn_of_readers(creation, record);
  return {};
}

Result<void> deliver_by_consent(const Creation& creation, Recorded& recorded) {
  const Prepared& prepared = recorded.prepared;
  switch (prepared.chosen.consent) {
    case Consent::write:
      return write_into(creation, recorded);
    case Consent::mount:
      return mount_in_container(creation.process, prepared.tree.get(), prepared.target.get());
    case Consent::in_place:
    case Consent::no:
      return {};
  }
  return {};
}

}  // namespace

Result<void> deliver(const Creation& creation, Recorded& recorded) {
  auto done = deliver_by_consent(creation, recorded);
  if (!done) {
    (void)note_failed(recorded.record, done.error());
  } else if (recorded.record.kind == DeliveryKind::write) {
    note_delivered(recorded.record, recorded.share);
  }
  return done;
}

}  // namespace oci_oauth
