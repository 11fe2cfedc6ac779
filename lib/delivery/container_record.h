// SPDX-License-Identifier: Apache-2.0
// Which container holds which profile's token: one small file a container, for status, sweeping and written
// directories.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/process.h"
#include "base/result.h"
#include "base/time.h"

namespace oci_oauth {

enum class DeliveryKind { mount, write };

struct DeliveryRecord {
  std::string profile;
  DeliveryKind kind = DeliveryKind::mount;
  std::string target;  // in the container
  // Written directories only: the bind mount's source on the host, the directory's identity (a directory that
  // was replaced meanwhile is not ours), the owner and mode of the files, and their names.
  std::string source;
  std::uint64_t device = 0, inode = 0;
  Owner owner = {0, 0};
  std::uint64_t user_namespace = 0;  // that the owner's ids are of: user_namespace.h
  mode_t mode = 0;
  std::string label;  // the files' SELinux label; empty where there is none
  std::vector<std::string> files;
};

struct ContainerRecord {
  std::string id;
  ProcessId process;
  Time created_at;
  std::vector<DeliveryRecord> deliveries;
};

bool has_written_directory(const ContainerRecord& record);

// Whether a running container of `records` other than `id` has the written directory of `delivery` too.
bool is_shared(const std::vector<ContainerRecord>& records, std::string_view id,
               const DeliveryRecord& delivery);

// Failure: "SOURCE: /deliveries/0/uid: is not an integer", and the like: what would be acted on is never
// guessed.
Result<ContainerRecord> parse_record(std::string_view text, std::string_view source);
std::string format_record(const ContainerRecord& record);

// The records in `directory` (runtime_dir/containers), beside which runtime_dir/written names those with a
// written directory. `id` is a valid container id (state.h).
Result<void> save_record(int directory, const ContainerRecord& record);
// Failure: not_found where there is none; a record that names another container.
Result<ContainerRecord> load_record(int directory, std::string_view id);
void remove_record(int directory, std::string_view id);
Result<std::vector<ContainerRecord>> list_records(int directory);  // unreadable ones are left out
// Those that have a written directory; the work does not grow with the number of all others.
Result<std::vector<ContainerRecord>> list_written_records(int directory);

}  // namespace oci_oauth
