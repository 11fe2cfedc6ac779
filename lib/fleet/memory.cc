// SPDX-License-Identifier: Apache-2.0
#include "fleet/memory.h"

#include <time.h>

#include "base/file.h"
#include "base/fmt.h"

namespace oci_oauth {

namespace {

constexpr size_t memory_limit = 2 * MiB;

}  // namespace

BootMoment boot_moment(const std::string& boot) {
  timespec time = {};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return {boot, std::chrono::duration_cast<Milliseconds>(std::chrono::seconds(time.tv_sec) +
                                                         std::chrono::nanoseconds(time.tv_nsec))};
}

void FleetMemory::look(const std::string& its_nonce, const std::string& its_intent,
                       const BootMoment& moment) {
  const bool is_other_boot = boot != moment.boot || moment.time < last;
  if (is_other_boot || moment.time - last > longest_gap) first = moment.time;
  if (is_other_boot || nonce != its_nonce) nonce_first = moment.time;
  if (is_other_boot || intent != its_intent) intent_first = moment.time;
  boot = moment.boot;
  last = moment.time;
  nonce = its_nonce;
  intent = its_intent;
}

std::string memory_name(std::string_view document) {
  return fmt::format(".{}.oci-oauth.fleet", document);
}

Result<FleetMemory> read_memory(int directory, const std::string& shown, std::string_view document) {
  const std::string name = memory_name(document);
  const auto text =
      read_file({directory, name, fmt::format("{}/{}", shown, name)}, memory_limit, Links::refused);
  if (!text && text.error().kind != ErrorKind::not_found) return text.error();
  if (!text) return FleetMemory{};
  auto memory = read_record<FleetMemory>(*text, name);
  return memory ? std::move(*memory) : FleetMemory{};
}

Result<void> write_memory(int directory, const std::string& shown, std::string_view document,
                          const FleetMemory& memory) {
  auto file = TRY(AtomicFile::create(directory, memory_name(document), shown, {}));
  TRY(file.write(write_record(memory).reveal()));
  TRY(file.sync());
  TRY(file.commit());
  return sync_directory(directory, shown);
}

}  // namespace oci_oauth
