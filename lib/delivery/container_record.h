// SPDX-License-Identifier: Apache-2.0
// Which container holds which profile's token, and what we wrote for it: one small text a container.
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

enum class DeliveryState {
  planned,    // on record before it is made; a mount that is made stays so
  delivered,  // written
  failed
};

// A file of a written directory, and how to tell what we put there from what anybody else did.
struct WrittenFile {
  std::string name;
  // Of a document that others write too, JSON Pointers (RFC 6901): the member of its root that is ours, and
  // where a login's tokens lie in it. Empty: the whole file is ours.
  std::string member = {}, access_token = {}, refresh_token = {};
  bool was_there = false;  // before us: what is left of it at the end stays, even if that is nothing
  // SHA-256 of what we put there and may still be there: of the file, or of the access token in our member.
  std::vector<std::string> fingerprints = {};

  friend bool operator==(const WrittenFile&, const WrittenFile&) = default;
};

struct DeliveryRecord {
  std::string profile;
  DeliveryKind kind = DeliveryKind::mount;
  DeliveryState state = DeliveryState::planned;
  std::string reason, hint;              // failed: why, and what to do
  std::string target;                    // in the container
  std::vector<std::string> shadowed_by;  // variables of the container's environment that win over the token
  // Written directories only: the bind mount's source on the host, the directory's identity (a directory that
  // was replaced meanwhile is not ours), the owner and mode of the files, and the files.
  std::string source;
  std::uint64_t device = 0, inode = 0;
  Owner owner = {0, 0};
  std::uint64_t user_namespace = 0;  // that the owner's ids are of: user_namespace.h
  mode_t mode = 0;
  std::string label;  // the files' SELinux label; empty where there is none
  std::vector<WrittenFile> files;
};

struct ContainerRecord {
  std::string id;
  std::string bundle;  // tells containers of one id apart; empty in a record of version 1
  ProcessId process;
  Time created_at;
  std::vector<DeliveryRecord> deliveries;
};

bool has_written_directory(const ContainerRecord& record);

// Whether `a` and `b` are written into one directory.
bool is_same_directory(const DeliveryRecord& a, const DeliveryRecord& b);

// Whether a running container of `records` other than `record` has the written directory of `delivery` too.
bool is_shared(const std::vector<ContainerRecord>& records, const ContainerRecord& record,
               const DeliveryRecord& delivery);

// Failure: "SOURCE: /deliveries/0/uid: is not an integer", and the like: what would be acted on is never
// guessed. A record of version 1 names its files alone; one of a version to come is refused.
Result<ContainerRecord> parse_record(std::string_view text, std::string_view source);
std::string format_record(const ContainerRecord& record);

}  // namespace oci_oauth
