// SPDX-License-Identifier: Apache-2.0
#include "hook/deliver.h"

#include <sys/stat.h>

#include "base/fmt.h"
#include "base/text.h"
#include "delivery/share.h"
#include "delivery/written_directory.h"
#include "oci/mount.h"

namespace oci_oauth {

namespace {

Result<void> write_into(const CreateContext& context, Delivery& delivery) {
  const DeliveryRecord& record = delivery.record;
  const WrittenDirectory directory(std::move(delivery.target), record, *context.identity, record.target);
  TRY(directory.deliver(delivery.share, delivery.knowledge));
  if ((record.mode & S_IROTH) != 0 && is_open_to_others(directory.fd()))
    context.warn(*delivery.chosen.profile,
                 fmt::format("other users of this host can read the token in '{}'", record.source),
                 "chmod o-x " + shell_word(record.source));
  return {};
}

Result<void> deliver_by_consent(const CreateContext& context, Delivery& delivery) {
  switch (delivery.chosen.consent) {
    case Consent::write:
      return write_into(context, delivery);
    case Consent::mount:
      return mount_in_container(context.process, delivery.tree.get(), delivery.target.get());
    case Consent::in_place:
    case Consent::no:
      return {};
  }
  return {};
}

}  // namespace

Result<void> deliver(const CreateContext& context, Delivery& delivery) {
  auto done = deliver_by_consent(context, delivery);
  if (!done) {
    (void)note_failed(delivery.record, done.error());
  } else if (delivery.is_written()) {
    note_delivered(delivery.record, delivery.share);
  }
  return done;
}

}  // namespace oci_oauth
