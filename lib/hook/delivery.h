// SPDX-License-Identifier: Apache-2.0
// One target of one profile in the container, from the choice to the outcome.
#pragma once

#include "base/unique_fd.h"
#include "delivery/choice.h"
#include "delivery/written_directory.h"

namespace oci_oauth {

struct Delivery {
  // Planned, and a mount or a socket until prepare() and describe() know more.
  explicit Delivery(const Chosen& what) : chosen(what) {
    record.profile = chosen.profile->name;
    if (chosen.profile->delivery == Delivers::socket) record.kind = DeliveryKind::socket;
    record.target = chosen.target;
    record.shadowed_by = chosen.shadowed_by;
  }

  Chosen chosen;
  DeliveryRecord record;  // what is, or will be, recorded of it
  UniqueFd target = {};   // where to write or to mount; empty for a share that is already bind-mounted
  UniqueFd tree = {};     // for Consent::mount: the detached mount
  // For Consent::write: what is written, and what may be replaced.
  Share share = {};
  WrittenDirectory::Knowledge knowledge = {};

  bool has_failed() const { return record.state == DeliveryState::failed; }
  bool is_written() const { return record.kind == DeliveryKind::write; }
};

}  // namespace oci_oauth
