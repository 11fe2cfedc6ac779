// SPDX-License-Identifier: Apache-2.0
// What a refresher remembers of a login's record, so that it recognises a store that was turned back or lost:
// the newest record that it has seen, sealed as it was, and since when it sees what is there. Times are of
// CLOCK_BOOTTIME, which no person sets, and count within one boot.
#pragma once

#include <string>
#include <string_view>

#include "base/record.h"
#include "base/time.h"
#include "fleet/record.h"
#include "token/policy.h"

namespace oci_oauth {

struct BootMoment {
  std::string boot;  // which one
  Milliseconds time{0};
};
BootMoment boot_moment(const std::string& boot);

// A gap between two looks that is longer ends being in touch.
constexpr Milliseconds longest_gap = longest_tick + longest_run;

struct FleetMemory {
  static constexpr int version = 1;

  std::string record;               // empty: none was seen yet
  std::string boot, nonce, intent;  // as they were at the last look; empty: none
  Milliseconds first{0}, last{0};   // looks without a long gap
  Milliseconds nonce_first{0}, intent_first{0};

  // A look at the record with that nonce and that intent's.
  void look(const std::string& its_nonce, const std::string& its_intent, const BootMoment& moment);

  friend bool operator==(const FleetMemory&, const FleetMemory&) = default;
};

void describe(auto& each, RecordOf<FleetMemory> auto& memory) {
  each("record", memory.record);
  each("boot", memory.boot);
  each("nonce", memory.nonce);
  each("intent", memory.intent);
  each("first_ms", memory.first);
  each("last_ms", memory.last);
  each("nonce_first_ms", memory.nonce_first);
  each("intent_first_ms", memory.intent_first);
}

// Of a document, in the same directory.
std::string memory_name(std::string_view document);

// Result: a new one if there is none. Failure: it cannot be read; a damaged one is as good as none.
Result<FleetMemory> read_memory(int directory, const std::string& shown, std::string_view document);
// Durably.
Result<void> write_memory(int directory, const std::string& shown, std::string_view document,
                          const FleetMemory& memory);

}  // namespace oci_oauth
