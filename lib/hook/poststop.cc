// SPDX-License-Identifier: Apache-2.0
#include "hook/hook_call.h"

#include "base/child.h"
#include "base/fmt.h"
#include "base/wait.h"
#include "delivery/container_ledger.h"
#include "delivery/written_directory.h"
#include "hook/inherited.h"

namespace oci_oauth {

namespace {

constexpr Milliseconds wait_for_end{1000};

// A killed process takes a moment to end. If it keeps running, it belongs to the container's next life, or to
// a sandbox that other containers share; the sweep handles its end.
bool has_ended(const ProcessId& process) {
  const UniqueFd watched = open_process(process.pid);
  if (!watched || !is_running(process)) return true;
  (void)wait_readable(watched.get(), std::chrono::steady_clock::now() + wait_for_end);
  return !is_running(process);
}

Result<void> forget(const HookCall& call, const RuntimeDir& runtime) {
  const ContainerLedger ledger(runtime.fd());
  auto place = ledger.find(call.state.id, call.state.bundle);
  if (!place.record && place.record.error().kind == ErrorKind::not_found) return {};
  if (!place.record) return std::move(place.record).error();
  if (!has_ended(place.record->process)) return {};
  if (!has_written_directory(*place.record)) {
    ledger.remove(place.name);
    return {};
  }
  const auto lock = TRY(ledger.lock(std::chrono::steady_clock::now() + longest_wait_for_ledger));
  const auto all = TRY(ledger.list_written());
  // A container that was restarted has the same name and another process.
  const auto again = ledger.find(call.state.id, call.state.bundle);
  if (!again.record || again.record->process != place.record->process) return {};
  return forget_container(runtime, *again.record, all.records);
}

}  // namespace

void poststop(const HookCall& call) {
  reset_for_writing();
  const auto runtime = RuntimeDir::open(call.config.runtime_dir);
  if (!runtime) return;
  if (auto done = forget(call, *runtime); !done) {
    Error told = std::move(done).error().in(fmt::format("container {}", call.state.id));
    if (told.hint.empty()) told.hint = "oci-oauth refresh";
    call.log.write(Priority::warning, told);
  }
}

}  // namespace oci_oauth
