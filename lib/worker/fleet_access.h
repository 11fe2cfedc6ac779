// SPDX-License-Identifier: Apache-2.0
// What an exchange needs of a fleet, read by who may read it: the certificate for the store, and the keys.
#pragma once

#include <string>

#include "base/record.h"
#include "base/secret.h"
#include "config/config.h"
#include "config/key_record.h"

namespace oci_oauth {

// For a program that works on a fleet's login, in place of a refresh.
enum class FleetTask { refresh, init, join, leave, takeover, rekey, look };
constexpr std::array<std::string_view, 7> words_of(FleetTask) {
  return {"refresh", "init", "join", "leave", "takeover", "rekey", "status"};
}
enum class FleetChange { made, shown };  // shown: what would be done is told, and nothing is changed
constexpr std::array<std::string_view, 2> words_of(FleetChange) {
  return {"made", "shown"};
}

struct FleetAccess {
  FleetConfig config;
  Secret ca, certificate, key;             // PEM
  Secret token;                            // of Kubernetes, in place of a certificate
  Secret login, access, signing, signers;  // files of keys (fleet/seal.h)
  std::string boot = {};                   // which boot of this host it is; empty: nobody can tell
  FleetTask task = FleetTask::refresh;
  FleetChange change = FleetChange::made;
};

void describe(auto& each, RecordOf<FleetAccess> auto& fleet) {
  each("config", fleet.config, Presence::required);
  each("ca", fleet.ca);
  each("certificate", fleet.certificate);
  each("key", fleet.key);
  each("token", fleet.token);
  each("login", fleet.login);
  each("access", fleet.access);
  each("signing", fleet.signing);
  each("signers", fleet.signers);
  each("boot", fleet.boot);
  each("task", fleet.task, Presence::required);
  each("change", fleet.change, Presence::required);
}

// In the environment of our services, whose sandbox hides random(4)'s boot_id: %b of systemd.unit(5).
constexpr const char* boot_variable = "OCI_OAUTH_BOOT_ID";

// Of this host. Failure (configuration): a file is missing, or others may read a
// secret one or change another.
Result<FleetAccess> fleet_access(const FleetConfig& config);

}  // namespace oci_oauth
