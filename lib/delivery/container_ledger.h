// SPDX-License-Identifier: Apache-2.0
// Which container has which profile's token, and what we wrote for it: the records of all containers, one
// small file each in runtime_dir/containers, and the lock that separates writing into a container's directory
// from cleaning it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/file_lock.h"
#include "base/process.h"
#include "base/record.h"
#include "base/result.h"
#include "base/time.h"

namespace oci_oauth {

enum class DeliveryKind { mount, write, socket };
constexpr std::array<std::string_view, 3> words_of(DeliveryKind) {
  return {"mount", "write", "socket"};
}

enum class DeliveryState {
  planned,    // recorded before it is made; a mount stays planned once it is made
  delivered,  // written
  failed
};
constexpr std::array<std::string_view, 3> words_of(DeliveryState) {
  return {"planned", "delivered", "failed"};
}

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

void describe(auto& each, RecordOf<WrittenFile> auto& file) {
  each("name", file.name, Presence::required);
  each("member", file.member);
  each("access_token", file.access_token);
  each("refresh_token", file.refresh_token);
  each("was_there", file.was_there);
  each("sha256", file.fingerprints);
}

// A file's name is one in the directory, and what points into it is a JSON Pointer.
Result<void> check(const WrittenFile& file);

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
  FileId directory;
  Owner owner = {0, 0};
  std::uint64_t user_namespace = 0;  // in which the owner's ids are valid: container_process.h
  mode_t mode = 0;
  std::string label;  // the files' SELinux label; empty if there is none
  std::vector<WrittenFile> files;

  friend bool operator==(const DeliveryRecord&, const DeliveryRecord&) = default;
};

void describe(auto& each, RecordOf<DeliveryRecord> auto& delivery) {
  each("profile", delivery.profile);
  each("delivery", delivery.kind, Presence::required);
  each("target", delivery.target);
  each("state", delivery.state);
  each("reason", delivery.reason);
  each("hint", delivery.hint);
  each("shadowed_by", delivery.shadowed_by);
  if (delivery.kind != DeliveryKind::write) return;
  // What is acted on is never guessed.
  each("source", delivery.source);
  each("device", delivery.directory.device, Presence::required);
  each("inode", delivery.directory.inode, Presence::required);
  each("uid", delivery.owner.uid, Presence::required);
  each("gid", delivery.owner.gid, Presence::required);
  each("user_namespace", delivery.user_namespace);
  each("mode", delivery.mode, Presence::required);
  each("label", delivery.label);
  each("files", delivery.files, Presence::required);
}

// The owner is one whom a file can have, and the mode has permissions alone.
Result<void> check(const DeliveryRecord& delivery);

struct ContainerRecord {
  static constexpr int version = 2;

  std::string id;
  std::string bundle;  // distinguishes containers with the same id
  ProcessId process;
  Time created_at;
  std::vector<DeliveryRecord> deliveries;
  std::string name = {};  // of the file that it was read from, which the ledger knows and the text does not

  friend bool operator==(const ContainerRecord&, const ContainerRecord&) = default;
};

void describe(auto& each, RecordOf<ContainerRecord> auto& record) {
  each("id", record.id, Presence::required);
  each("bundle", record.bundle);
  each("pid", record.process.pid);
  each("start_time", record.process.start_time);
  each("created_at", record.created_at);
  each("deliveries", record.deliveries, Presence::required);
}

// The id and the process are ones that a container can have.
Result<void> check(const ContainerRecord& record);

bool has_written_directory(const ContainerRecord& record);

// A container cannot wait longer for the holder of the lock.
inline constexpr auto longest_wait_for_ledger = std::chrono::seconds(3);

class ContainerLedger {
 public:
  // `runtime_directory`: open, and must outlive the ledger. written/ beside containers/ lists the records
  // with a written directory.
  explicit ContainerLedger(int runtime_directory) : directory_(runtime_directory) {}

  // Held from reading the records, or creating one, until the files have been written or removed. Failure:
  // temporary if `deadline` passes first.
  Result<FileLock> lock(SteadyTime deadline) const;

  // The file of a container's record: its `name`, and what is recorded there. Two containers with the same
  // id, which containerd's namespaces allow, have different bundles and different names.
  struct Place {
    std::string name;
    Result<ContainerRecord> record;  // not_found: there is no record
  };
  Place find(const std::string& id, std::string_view bundle) const;
  // The record in the file of that name, which is the id of most containers. Failure: not_found if there is
  // none.
  Result<ContainerRecord> find(const std::string& name) const;

  Result<void> save(const std::string& name, const ContainerRecord& record) const;
  // The same for a record that list_written() has listed.
  Result<void> replace(const std::string& name, const ContainerRecord& record) const;
  void remove(const std::string& name) const;

  struct Listing {
    std::vector<ContainerRecord> records;
    std::vector<Error> unreadable;  // damaged, or of a newer version: these are not used
  };
  Result<Listing> list() const;
  // The records with a written directory; the cost does not grow with the number of other records.
  Result<Listing> list_written() const;
  bool has_written() const;

  // The files in containers/ in turns, `most` at a time: every one is reached, and a call costs the same for
  // any number of them. Also removes temporary files, and notes in written/, of writers that were killed
  // while saving a record: those older than a minute, because saving never takes that long. The caller holds
  // the lock.
  Result<Listing> next_in_turn(size_t most, Time now) const;

 private:
  void remove_leftovers(const std::vector<std::string>& files, Time now) const;
  Result<Listing> load_all(const std::vector<std::string>& names) const;

  int directory_;
};

}  // namespace oci_oauth
