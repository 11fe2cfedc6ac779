// SPDX-License-Identifier: Apache-2.0
// Which container has which profile's token, and what we wrote for it: one small file per container.
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
  planned,    // recorded before it is made; a mount stays planned once it is made
  delivered,  // written
  failed
};

// A file of a written directory, and how to recognise what we wrote there.
struct WrittenFile {
  std::string name;
  // For a document that others write to as well, JSON Pointers (RFC 6901): the member of its root that is
  // ours, and the places of a login's tokens in it. Empty: the whole file is ours.
  std::string member = {}, access_token = {}, refresh_token = {};
  bool was_there = false;  // it was there before us, so what is left of it in the end stays, even if empty
  // SHA-256 of what we wrote and may still be there: of the file, or of the access token in our member.
  std::vector<std::string> fingerprints = {};

  friend bool operator==(const WrittenFile&, const WrittenFile&) = default;
};

struct DeliveryRecord {
  std::string profile;
  DeliveryKind kind = DeliveryKind::mount;
  DeliveryState state = DeliveryState::planned;
  std::string reason, hint;  // failed: why, and what to do
  std::string target;        // in the container
  // environment variables in the container that take precedence over the token
  std::vector<std::string> shadowed_by;
  // Written directories only: the bind mount's source on the host, the directory's identity (a directory that
  // was replaced is not ours), the owner and mode of the files, and the files.
  std::string source;
  std::uint64_t device = 0, inode = 0;
  Owner owner = {0, 0};
  std::uint64_t user_namespace = 0;  // in which the owner's ids are valid: user_namespace.h
  mode_t mode = 0;
  std::string label;  // the files' SELinux label; empty if there is none
  std::vector<WrittenFile> files;
};

struct ContainerRecord {
  std::string id;
  std::string bundle;  // distinguishes containers with the same id; empty in a record of version 1
  ProcessId process;
  Time created_at;
  std::vector<DeliveryRecord> deliveries;
};

bool has_written_directory(const ContainerRecord& record);

// Whether `a` and `b` write into the same directory.
bool is_same_directory(const DeliveryRecord& a, const DeliveryRecord& b);

// Whether a running container in `records`, other than that of `record`, also has the written directory of
// `delivery`.
bool is_shared(const std::vector<ContainerRecord>& records, const ContainerRecord& record,
               const DeliveryRecord& delivery);

// Failure: "SOURCE: /deliveries/0/uid: is not an integer" and the like: nothing is guessed. A record of
// version 1 contains only the names of its files; a newer version is rejected.
Result<ContainerRecord> parse_record(std::string_view text, std::string_view source);
std::string format_record(const ContainerRecord& record);

}  // namespace oci_oauth
