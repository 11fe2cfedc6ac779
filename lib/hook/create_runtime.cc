// SPDX-License-Identifier: Apache-2.0
#include "hook/create_runtime.h"

#include <algorithm>

#include "base/fmt.h"
#include "delivery/choice.h"
#include "delivery/delivery_state.h"
#include "delivery/failures.h"
#include "hook/deliver.h"
#include "hook/freshen.h"
#include "hook/inherited.h"
#include "hook/prepare.h"
#include "hook/record.h"
#include "oci/limits.h"

namespace oci_oauth {

namespace {

Result<Spec> read_spec(const ContainerState& state, std::string& text) {
  const std::string path = state.bundle + "/config.json";
  text = TRY(read_file({.path = path}, spec_limit));
  return parse_spec(text, path);
}

void log_unknown_profiles(const HookCall& call) {
  for (const std::string& name : call.profiles) {
    if (call.config.find(name) != nullptr) continue;
    call.log.write(
        Priority::warning,
        fmt::format("profile '{}', container {}: is not in {}", name, call.state.id, call.config.path),
        "add it there, or correct the --profile of the hook file or CDI device");
  }
}

// It is unknown which profiles were chosen, so it may be any of them.
Result<void> judge_unreadable(const HookCall& call, Error error) {
  Error told = std::move(error).in(fmt::format("container {}: no token delivered", call.state.id));
  const auto& profiles = call.config.profiles;
  const bool blocks = std::any_of(profiles.begin(), profiles.end(), [](const Profile& profile) {
    return profile.on_failure == OnFailure::block;
  });
  call.log.write(blocks ? Priority::error : Priority::warning, told);
  return blocks ? Result<void>(std::move(told)) : Result<void>();
}

void warn_of_shadows(const CreateContext& context, const Profile& profile,
                     const std::vector<std::string>& names) {
  context.call.log.write(Priority::warning,
                         fmt::format("profile '{}', container {}: its environment has {}, which a client "
                                     "there uses instead of the token",
                                     profile.name, context.call.state.id, fmt::join(names, ", ")),
                         "start it without that variable");
}

// Without a valid token the directory is delivered all the same, and the next refresh updates it.
void freshen_all(const CreateContext& context, std::vector<Chosen>& chosen, Failures& failures) {
  for (const Profile* profile : profiles_of(chosen)) {
    auto fresh = freshen(context, *profile);
    if (!fresh) {
      failures.add(*profile, std::move(fresh).error());
      continue;
    }
    if (fresh->trouble) failures.warn(*profile, std::move(*fresh->trouble));
    const auto shadowed_by = assigned_among(fresh->shadowed_by, context.spec_text);
    if (shadowed_by.empty()) continue;
    warn_of_shadows(context, *profile, shadowed_by);
    for (Chosen& one : chosen) {
      if (one.profile == profile) one.shadowed_by = shadowed_by;
    }
  }
}

std::vector<Prepared> prepare_all(const CreateContext& context, const std::vector<Chosen>& chosen,
                                  std::vector<Recorded>& failed, Failures& failures) {
  std::vector<Prepared> ready;
  for (const Chosen& one : chosen) {
    if (auto prepared = prepare(context, one); prepared) {
      ready.push_back(std::move(*prepared));
    } else {
      failed.push_back(failed_record(context, one, prepared.error()));
      failures.add(*one.profile, std::move(prepared).error());
    }
  }
  return ready;
}

void record_all(const CreateContext& context, std::vector<Prepared> prepared, std::vector<Recorded>& recorded,
                Failures& failures) {
  for (Prepared& one : prepared) {
    const Chosen chosen = one.chosen;
    auto done = record(context, std::move(one));
    if (!done) failures.add(*chosen.profile, Error(done.error()));
    recorded.push_back(done ? std::move(*done) : failed_record(context, chosen, done.error()));
  }
}

// If the record is complete, the next refresh tries again.
void give_up_writing(std::vector<Recorded>& recorded, const Error& error, Failures& failures) {
  for (Recorded& one : recorded) {
    if (one.record.kind != DeliveryKind::write || one.record.state == DeliveryState::failed) continue;
    (void)note_failed(one.record, error);
    failures.add(*one.prepared.chosen.profile, Error(error));
  }
}

// Files that nobody would find again are not written; a mount disappears with its container.
void save_all(const CreateContext& context, const Earlier& earlier, std::vector<Recorded>& recorded,
              Failures& failures) {
  auto saved = save(context, earlier, recorded);
  if (saved) return;
  for (const Recorded& one : recorded) {
    if (one.record.state != DeliveryState::failed)
      failures.add(*one.prepared.chosen.profile, Error(saved.error()));
  }
  std::erase_if(recorded, [](const Recorded& one) { return one.record.kind == DeliveryKind::write; });
}

void deliver_all(const CreateContext& context, DeliveryKind kind, std::vector<Recorded>& recorded,
                 Failures& failures) {
  for (Recorded& one : recorded) {
    if (one.record.kind != kind || one.record.state == DeliveryState::failed) continue;
    if (auto done = deliver(context, one); !done)
      failures.add(*one.prepared.chosen.profile, std::move(done).error());
  }
}

// A mount needs no second record once it is made.
void save_outcome(const CreateContext& context, DeliveryKind kind, const Earlier& earlier,
                  const std::vector<Recorded>& recorded) {
  const bool is_new = std::any_of(recorded.begin(), recorded.end(), [&](const Recorded& one) {
    return one.record.kind == kind && one.record.state != DeliveryState::planned;
  });
  if (is_new) (void)save(context, earlier, recorded);
}

// Not every runtime calls poststop for a container that it does not create: crun does not. What was written
// is the next refresh's to remove.
void forget_uncreated(const CreateContext& context, const Earlier& earlier,
                      const std::vector<Recorded>& recorded) {
  const bool is_written = std::any_of(recorded.begin(), recorded.end(), [](const Recorded& one) {
    return one.record.kind == DeliveryKind::write;
  });
  const bool was_written = earlier.place.record && has_written_directory(*earlier.place.record);
  if (!is_written && !was_written) context.ledger.remove(earlier.place.name);
}

void serve(const CreateContext& context, std::vector<Chosen> chosen, Failures& failures) {
  Earlier earlier = find_earlier(context);
  std::erase_if(chosen, [&](const Chosen& one) { return is_delivered(earlier, one); });

  freshen_all(context, chosen, failures);
  if (chosen.empty() || failures.block()) return;
  std::vector<Recorded> recorded;
  std::vector<Prepared> prepared = prepare_all(context, chosen, recorded, failures);
  auto lock = lock_ledger(context, earlier, prepared);
  record_all(context, std::move(prepared), recorded, failures);
  if (!lock) give_up_writing(recorded, lock.error(), failures);
  save_all(context, earlier, recorded, failures);
  earlier.has_left_files = false;
  // after entering the container's mount namespace, the log cannot be reached any more
  context.call.log.connect();
  // Written directories are reached from the host, so they come before the first mount.
  deliver_all(context, DeliveryKind::write, recorded, failures);
  save_outcome(context, DeliveryKind::write, earlier, recorded);
  if (lock) lock->reset();
  deliver_all(context, DeliveryKind::mount, recorded, failures);
  save_outcome(context, DeliveryKind::mount, earlier, recorded);
  if (failures.block()) forget_uncreated(context, earlier, recorded);
}

// Failure: none of the chosen profiles can be delivered.
Result<void> serve(const HookCall& call, const Spec& spec, std::string_view spec_text,
                   const std::vector<Chosen>& chosen, Failures& failures) {
  const auto runtime = TRY(RuntimeDir::open(call.config.runtime_dir));
  const auto process = TRY(ContainerProcess::open(call.state.pid));
  serve(CreateContext{call, spec, spec_text, runtime, process, ContainerLedger(runtime.fd()),
                      identify_process(call.state.pid)},
        chosen, failures);
  return {};
}

}  // namespace

Result<void> create_runtime(const HookCall& call) {
  std::string text;
  const auto spec = read_spec(call.state, text);
  if (!spec) return judge_unreadable(call, spec.error());
  log_unknown_profiles(call);
  const Choice choice =
      choose(call.config, {.by_argument = call.profiles, .in_build = is_build_step(call.state)}, *spec);
  log_passed_over(call.log, call.state.id, choice);
  if (choice.chosen.empty()) return {};

  reset_for_writing();
  Failures failures(call.state.id);
  if (auto served = serve(call, *spec, text, choice.chosen, failures); !served) {
    for (const Profile* profile : profiles_of(choice.chosen)) failures.add(*profile, Error(served.error()));
  }
  return failures.judge(call.log);
}

}  // namespace oci_oauth
