// SPDX-License-Identifier: Apache-2.0
#include "delivery/container_record.h"

#include <algorithm>
#include <limits>

#include "base/fmt.h"
#include "oci/spec.h"

namespace oci_oauth {

namespace {

Error bad(std::string reason) {
  return {ErrorKind::failed, std::move(reason)};
}

// The name of a file in the directory, which must not lead elsewhere.
bool is_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of({"/\0", 2}) == name.npos;
}

bool is_pointer(const std::string& text) {
  return text.empty() || is_json_pointer(text);
}

}  // namespace

Result<void> check(const WrittenFile& file) {
  if (!is_file_name(file.name)) return bad(fmt::format("'{}' is not a file name", file.name));
  for (const std::string* pointer : {&file.member, &file.access_token, &file.refresh_token}) {
    if (!is_pointer(*pointer)) return bad(fmt::format("'{}' is not a JSON Pointer", *pointer));
  }
  return {};
}

Result<void> check(const DeliveryRecord& delivery) {
  constexpr uid_t unchanged = std::numeric_limits<uid_t>::max();  // chown(2)
  if (delivery.owner.uid == unchanged || delivery.owner.gid == unchanged)
    return bad("no file can have this owner");
  if (delivery.mode > 0777) return bad(fmt::format("mode {:o} is more than permissions", delivery.mode));
  return {};
}

Result<void> check(const ContainerRecord& record) {
  if (!is_valid_container_id(record.id)) return bad(fmt::format("'{}' is not a container id", record.id));
  if (record.process.pid < 0) return bad(fmt::format("{} is not a process id", record.process.pid));
  return {};
}

bool has_written_directory(const ContainerRecord& record) {
  return std::ranges::count(record.deliveries, DeliveryKind::write, &DeliveryRecord::kind) > 0;
}

bool is_same_directory(const DeliveryRecord& a, const DeliveryRecord& b) {
  return a.kind == DeliveryKind::write && b.kind == DeliveryKind::write && a.device == b.device &&
         a.inode == b.inode;
}

bool is_shared(const std::vector<ContainerRecord>& records, const ContainerRecord& record,
               const DeliveryRecord& delivery) {
  return std::ranges::any_of(records, [&](const ContainerRecord& other) {
    const bool is_another = other.id != record.id || other.process != record.process;
    return is_another && is_running(other.process) &&
           std::ranges::any_of(other.deliveries,
                               [&](const DeliveryRecord& its) { return is_same_directory(its, delivery); });
  });
}

}  // namespace oci_oauth
