// SPDX-License-Identifier: Apache-2.0
// The states of a recorded delivery that is written: planned, then delivered or failed.
#pragma once

#include "base/result.h"
#include "delivery/container_record.h"
#include "delivery/share.h"

namespace oci_oauth {

// Adds the fingerprints of the files in `share`; they are saved before the first byte is written.
void plan_delivery(DeliveryRecord& delivery, const Share& share);

// The files in `share` are in place, and nothing older is left.
void note_delivered(DeliveryRecord& delivery, const Share& share);

// Result: false if the record already says so, so that it is reported once.
bool note_failed(DeliveryRecord& delivery, const Error& error);

}  // namespace oci_oauth
