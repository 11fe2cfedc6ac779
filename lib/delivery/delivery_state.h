// SPDX-License-Identifier: Apache-2.0
// How the record of a delivery that is written goes on: planned, then delivered or failed.
#pragma once

#include "base/result.h"
#include "delivery/container_record.h"
#include "delivery/share.h"

namespace oci_oauth {

// Adds the fingerprints of what `share` holds: they are saved before the first byte is written.
void plan_delivery(DeliveryRecord& delivery, const Share& share);

// What `share` held is there, and nothing of what was there before.
void note_delivered(DeliveryRecord& delivery, const Share& share);

// Result: false where the record says so already, so that it is reported once.
bool note_failed(DeliveryRecord& delivery, const Error& error);

}  // namespace oci_oauth
