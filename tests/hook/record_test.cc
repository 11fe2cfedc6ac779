// SPDX-License-Identifier: Apache-2.0
#include "hook/record.h"

#include "support/catch.h"

using namespace oci_oauth;

namespace {

DeliveryRecord a_delivery(const std::string& target, DeliveryState state) {
  DeliveryRecord delivery;
  delivery.profile = "claude";
  delivery.target = target;
  delivery.state = state;
  return delivery;
}

// What an earlier call for the same container left.
Earlier with(std::vector<DeliveryRecord> deliveries) {
  return {{"box", Error{ErrorKind::not_found, "none"}}, std::move(deliveries)};
}

}  // namespace

TEST_CASE("what an earlier call for the same container delivered, or is about to, is not delivered again") {
  Profile profile;
  profile.name = "claude";
  const Chosen chosen = {&profile, "/run/secrets/claude", Consent::mount, {}};
  CHECK(is_delivered(with({a_delivery("/run/secrets/claude", DeliveryState::planned)}), chosen));
  CHECK(is_delivered(with({a_delivery("/run/secrets/claude", DeliveryState::delivered)}), chosen));
}

TEST_CASE("another target, another profile and a delivery that failed are delivered") {
  Profile profile, other;
  profile.name = "claude";
  other.name = "codex";
  const Earlier earlier = with({a_delivery("/run/secrets/claude", DeliveryState::delivered),
                                a_delivery("/failed", DeliveryState::failed)});
  CHECK_FALSE(is_delivered(earlier, {&profile, "/home/node/.claude", Consent::mount, {}}));
  CHECK_FALSE(is_delivered(earlier, {&profile, "/failed", Consent::mount, {}}));
  CHECK_FALSE(is_delivered(earlier, {&other, "/run/secrets/claude", Consent::mount, {}}));
  CHECK_FALSE(is_delivered(with({}), {&profile, "/run/secrets/claude", Consent::mount, {}}));
}

TEST_CASE("a step that fails leaves a record with the reason, and nothing to act on") {
  Profile profile;
  profile.name = "claude";
  profile.mode = 0440;
  Spec spec;
  spec.mount_label = "label";
  Delivery delivery({&profile, "/run/secrets/claude", Consent::write, "/home/user/written"});
  delivery.record.device = delivery.record.inode = 7;
  delivery.record.files = {{.name = "token"}};
  note_failed_step(spec, delivery, {ErrorKind::failed, "no such provider", "name another"});
  CHECK(delivery.has_failed());
  CHECK(delivery.record.reason == "no such provider");
  CHECK(delivery.record.source == "/home/user/written");
  CHECK(delivery.record.label == "label");
  CHECK(delivery.record.files.empty());
  CHECK(delivery.record.inode == 0);
}
