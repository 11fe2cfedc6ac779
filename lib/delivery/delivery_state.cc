// SPDX-License-Identifier: Apache-2.0
#include "delivery/delivery_state.h"

#include <algorithm>

namespace oci_oauth {

void plan_delivery(DeliveryRecord& delivery, const Share& share) {
  for (WrittenFile& file : delivery.files) {
    std::string ours = share.fingerprint(file);
    const bool is_known =
        std::find(file.fingerprints.begin(), file.fingerprints.end(), ours) != file.fingerprints.end();
    if (!ours.empty() && !is_known) file.fingerprints.push_back(std::move(ours));
  }
}

void note_delivered(DeliveryRecord& delivery, const Share& share) {
  delivery.state = DeliveryState::delivered;
  delivery.reason.clear();
  delivery.hint.clear();
  for (WrittenFile& file : delivery.files) {
    std::string ours = share.fingerprint(file);
    if (!ours.empty()) file.fingerprints = {std::move(ours)};
  }
}

bool note_failed(DeliveryRecord& delivery, const Error& error) {
  const bool is_known = delivery.state == DeliveryState::failed && delivery.reason == error.message;
  delivery.state = DeliveryState::failed;
  delivery.reason = error.message;
  delivery.hint = error.hint;
  return !is_known;
}

}  // namespace oci_oauth
