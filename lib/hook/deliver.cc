// SPDX-License-Identifier: Apache-2.0
#include "hook/deliver.h"

#include <sys/stat.h>

#include "base/fmt.h"
#include "delivery/delivery_state.h"
#include "delivery/written_directory.h"
#include "oci/mount.h"

namespace oci_oauth {

namespace {

void warn_of_readers(const CreateContext& context, const DeliveryRecord& record) {
  context.call.log.write(
      Priority::warning,
      fmt::format("profile '{}', container {}: other users of this host can read the token in '{}'",
                  record.profile, context.call.state.id, record.source),
      fmt::format("chmod o-x {}", record.source));
}

Result<void> write_into(const CreateContext& context, Recorded& recorded) {
  const DeliveryRecord& record = recorded.record;
  const WrittenDirectory directory(std::move(recorded.prepared.target), record, *context.identity,
                                   record.target);
  TRY(directory.deliver(recorded.share, recorded.knowledge));
  if ((record.mode & S_IROTH) != 0 && is_open_to_others(directory.fd())) warn_of_readers(context, record);
  return {};
}

Result<void> deliver_by_consent(const CreateContext& context, Recorded& recorded) {
  const Prepared& prepared = recorded.prepared;
  switch (prepared.chosen.consent) {
    case Consent::write:
      return write_into(context, recorded);
    case Consent::mount:
      return mount_in_container(context.process, prepared.tree.get(), prepared.target.get());
    case Consent::in_place:
    case Consent::no:
      return {};
  }
  return {};
}

}  // namespace

Result<void> deliver(const CreateContext& context, Recorded& recorded) {
  auto done = deliver_by_consent(context, recorded);
  if (!done) {
    (void)note_failed(recorded.record, done.error());
  } else if (recorded.record.kind == DeliveryKind::write) {
    note_delivered(recorded.record, recorded.share);
  }
  return done;
}

}  // namespace oci_oauth
