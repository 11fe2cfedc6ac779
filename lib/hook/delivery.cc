// SPDX-License-Identifier: Apache-2.0
#include "hook/delivery.h"

namespace oci_oauth {

Delivery plan(const Chosen& chosen) {
  Delivery delivery = {chosen, {}};
  delivery.record.profile = chosen.profile->name;
  if (chosen.profile->delivery == Delivers::socket) delivery.record.kind = DeliveryKind::socket;
  delivery.record.target = chosen.target;
  delivery.record.shadowed_by = chosen.shadowed_by;
  return delivery;
}

}  // namespace oci_oauth
