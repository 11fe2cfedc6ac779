// SPDX-License-Identifier: Apache-2.0
// What makes a record unreadable for those who lack a key, and unforgeable: nothing that the store, its
// administrator or a follower writes is taken for a refresher's word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "fleet/record.h"
#include "worker/fleet_access.h"

namespace oci_oauth {

// The keys of a host, each the newest first: the newest seals and signs, and all open and verify. A follower
// has no `login` and no `signing`.
struct FleetKeys {
  std::vector<Secret> login, access;     // of 32 bytes
  std::vector<Secret> signing, signers;  // Ed25519's (RFC 8032 section 5.1.5) and their public halves
};

// What this host may read. Failure (configuration): as read_keys(), with the file of the configuration.
Result<FleetKeys> fleet_keys(const FleetAccess& fleet);

// A key as its file has it: a line of base64 for each, the newest first; '#' begins a comment. Failure
// (configuration): "SHOWN: line N: reason".
Result<std::vector<Secret>> read_keys(std::string_view text, const std::string& shown);
std::string key_line(const Secret& key);

Secret random_key();
std::string random_name();  // of 128 bits, in hexadecimal digits
std::string key_id(const Secret& key);
Result<Secret> public_half(const Secret& signing);

// When a certificate (PEM) ends. Failure: it is not one.
Result<Time> end_of_certificate(std::string_view pem);

// The record as it is stored, its document sealed anew.
Result<std::string> seal(LoginRecord login, const FleetKeys& keys);
// The same, and signed.
Result<std::string> seal(AccessRecord access, const FleetKeys& keys);

// Failure: "SHOWN: reason": too large, not a record or one of another version, another profile's, sealed with
// an unknown key or signed by an unknown one, or changed since.
Result<LoginRecord> open_login(std::string_view bytes, std::string_view profile, const FleetKeys& keys);
Result<AccessRecord> open_access(std::string_view bytes, std::string_view profile, const FleetKeys& keys);

}  // namespace oci_oauth
