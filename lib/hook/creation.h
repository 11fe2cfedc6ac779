// SPDX-License-Identifier: Apache-2.0
// The hook's work for a container that is being created: choose, freshen, prepare, record and deliver, in
// this order.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file_lock.h"
#include "base/process.h"
#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "delivery/consent.h"
#include "delivery/container_ledger.h"
#include "delivery/written_directory.h"
#include "hook/hook_call.h"
#include "oci/container_process.h"
#include "oci/spec.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

// One target of one profile in the container, from the choice to the outcome.
struct Delivery {
  Delivery(const Chosen& what, const Spec& spec);

  Chosen chosen;
  DeliveryRecord record;  // what is, or will be, recorded of it
  UniqueFd target = {};   // where to write or to mount; empty for a share that is already bind-mounted
  UniqueFd tree = {};     // for Consent::mount: the detached mount
  // For Consent::write: what is written, and what may be replaced.
  Share share = {};
  WrittenDirectory::Knowledge knowledge = {};

  bool has_failed() const { return record.state == DeliveryState::failed; }
  bool is_written() const { return record.kind == DeliveryKind::write; }
};

// What is recorded for this container from before this call.
struct Earlier {
  std::string name;  // of its record
  std::optional<ContainerRecord> record = {};
  // From earlier calls of the hook for this very process: engines run it once for each CDI device, and once
  // more if there is a hook file.
  std::vector<DeliveryRecord> deliveries = {};
  bool has_left_files = false;  // the container's life before a restart, whose files have not been removed

  bool has_delivered(const Chosen& chosen) const;
};

// What each step knows. Owns what is read and opened, which a process that ends need not free and close one
// by one.
struct Creation {
  explicit Creation(const HookCall& of) : call(of) {}

  // The container has no valid token of `profile`, or something failed although it has one.
  enum class Token { none, valid };
  void fail(const Profile& profile, Error error, Token token = Token::none);
  // Whether a profile without a valid token has on_failure "block": the container is not to be created.
  bool is_blocked() const;
  // Logs all failures, with the profile and the container. Failure: the first that blocks.
  Result<void> judge() const;

  // Opens the runtime directory and the container's process.
  Result<void> open();
  ContainerLedger ledger() const { return ContainerLedger(runtime->fd()); }

  const HookCall& call;
  std::string spec_text = {};
  Spec spec = {};
  std::optional<RuntimeDir> runtime = {};
  std::optional<ContainerProcess> process = {};
  Result<ProcessId> identity = ProcessId{};  // of `process`
  // All profiles together wait for at most the longest hook_wait, because the runtime's own timeout covers
  // them together too.
  SteadyTime began = {};
  Earlier earlier = {};
  std::vector<Delivery> deliveries = {};
  bool is_recorded = false;  // by save()

 private:
  struct Failure {
    Error error;
    bool blocks;
  };
  std::vector<Failure> failures_ = {};
};

// Delivers each profile that a person chose for the container of creation.call. Problems are logged, with a
// hint. Failure: only for a profile with on_failure "block" whose token the container does not have; it must
// not be created.
Result<void> create_runtime(Creation& creation);

// The steps for a delivery.

// Opens everything that it needs. Nothing in the container changes, except that a directory may be created
// for a mount. Failure: names the target or the call that was refused.
Result<void> prepare(const Creation& creation, Delivery& delivery);

// Completes the record of what prepare() opened. Failure: the provider cannot be read, or the target cannot
// be examined.
Result<void> describe(const Creation& creation, Delivery& delivery);

// Records a step that failed before, so that `oci-oauth status` can say why. Nothing acts on what is recorded
// then.
void note_failed_step(const Creation& creation, Delivery& delivery, const Error& error);

// Writes into the directory that a person bind-mounted, or mounts the share, after which the caller is in the
// container's mount namespace. Failure: the container does not have the token, and why; it is recorded.
Result<void> deliver(const Creation& creation, Delivery& delivery);

// The record of all deliveries, saved before the container has any of them, so that a later refresh or sweep
// finds them.

Earlier find_earlier(const Creation& creation);

// Held from reading the records to the last written byte; empty if nothing is written. Failure: another
// process holds it for longer than a container can wait.
Result<std::optional<FileLock>> lock_ledger(const Creation& creation);

// Saves all of them beside those of earlier calls, and cleans up after the container's life before a restart.
// Failure: nothing may be written for the container.
Result<void> save(Creation& creation);

}  // namespace oci_oauth
