// SPDX-License-Identifier: Apache-2.0
#include "create_runtime.h"

#include <algorithm>

#include "base/fmt.h"
#include "base/size.h"
#include "deliver.h"
#include "delivery/choice.h"
#include "delivery/failures.h"
#include "freshen.h"
#include "prepare.h"
#include "record.h"

namespace oci_oauth {

namespace {

constexpr size_t spec_limit = 16 * MiB;

Result<Spec> read_spec(const ContainerState& state, std::string& text) {
  const std::string path = state.bundle + "/config.json";
  auto read = read_file({.path = path}, spec_limit);
  if (!read) return std::move(read).error();
  text = std::move(*read);
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

// Who was chosen cannot be told: each profile may have been.
Result<void> judge_unreadable(const HookCall& call, Error error) {
  Error told = std::move(error).in(fmt::format("container {}: no token delivered", call.state.id));
  const auto& profiles = call.config.profiles;
  const bool blocks = std::any_of(profiles.begin(), profiles.end(), [](const Profile& profile) {
    return profile.on_failure == OnFailure::block;
  });
  call.log.write(blocks ? Priority::error : Priority::warning, told);
  return blocks ? Result<void>(std::move(told)) : Result<void>();
}

void warn_of_shadows(const Creation& creation, const Profile& profile,
                     const std::vector<std::string>& names) {
  creation.call.log.write(Priority::warning,
                          fmt::format("profile '{}', container {}: its environment has {}, which a client "
                                      "there uses instead of the token",
                                      profile.name, creation.call.state.id, fmt::join(names, ", ")),
                          "start it without that variable");
}

// Without a valid token the directory is delivered all the same: the next refresh heals the container.
void freshen_all(const Creation& creation, std::vector<Chosen>& chosen, Failures& failures) {
  for (const Profile* profile : profiles_of(chosen)) {
    auto fresh = freshen(creation, *profile);
    if (!fresh) {
      failures.add(*profile, std::move(fresh).error());
      continue;
    }
    if (fresh->trouble) failures.warn(*profile, std::move(*fresh->trouble));
    const auto shadowed_by = assigned_among(fresh->shadowed_by, creation.spec_text);
    if (shadowed_by.empty()) continue;
    warn_of_shadows(creation, *profile, shadowed_by);
    for (Chosen& one : chosen) {
      if (one.profile == profile) one.shadowed_by = shadowed_by;
    }
  }
}

std::vector<Prepared> prepare_all(const Creation& creation, const std::vector<Chosen>& chosen,
                                  Failures& failures) {
  std::vector<Prepared> ready;
  for (const Chosen& one : chosen) {
    if (auto prepared = prepare(creation, one); prepared) {
      ready.push_back(std::move(*prepared));
    } else {
      failures.add(*one.profile, std::move(prepared).error());
    }
  }
  return ready;
}

// What nobody would find is not written; a mount goes with its container.
std::vector<Recorded> record_all(const Creation& creation, const Earlier& earlier,
                                 std::vector<Prepared> prepared, Failures& failures) {
  std::vector<Recorded> recorded;
  for (Prepared& one : prepared) {
    const Profile& profile = *one.chosen.profile;
    if (auto done = record(creation, std::move(one)); done) {
      recorded.push_back(std::move(*done));
    } else {
      failures.add(profile, std::move(done).error());
    }
  }
  if (recorded.empty()) return recorded;
  if (auto saved = save(creation, earlier, recorded); !saved) {
    for (const Recorded& one : recorded) failures.add(*one.prepared.chosen.profile, Error(saved.error()));
    std::erase_if(recorded, [](const Recorded& one) { return one.record.kind == DeliveryKind::write; });
  }
  return recorded;
}

void deliver_all(const Creation& creation, DeliveryKind kind, std::vector<Recorded>& recorded,
                 Failures& failures) {
  for (Recorded& one : recorded) {
    if (one.record.kind != kind) continue;
    if (auto done = deliver(creation, one); !done)
      failures.add(*one.prepared.chosen.profile, std::move(done).error());
  }
}

// A mount that is made needs no second note.
void save_outcome(const Creation& creation, DeliveryKind kind, const Earlier& earlier,
                  const std::vector<Recorded>& recorded) {
  const bool is_new = std::any_of(recorded.begin(), recorded.end(), [&](const Recorded& one) {
    return one.record.kind == kind && one.record.state != DeliveryState::planned;
  });
  if (is_new) (void)save(creation, earlier, recorded);
}

void serve(const Creation& creation, std::vector<Chosen> chosen, Failures& failures) {
  Earlier earlier = find_earlier(creation);
  std::erase_if(chosen, [&](const Chosen& one) { return is_delivered(earlier, one); });

  freshen_all(creation, chosen, failures);
  std::vector<Prepared> prepared = prepare_all(creation, chosen, failures);
  if (prepared.empty()) return;
  auto lock = lock_ledger(creation, earlier, prepared);
  if (!lock) {
    for (const Prepared& one : prepared) failures.add(*one.chosen.profile, Error(lock.error()));
    std::erase_if(prepared, [](const Prepared& one) { return one.chosen.consent == Consent::write; });
  }
  std::vector<Recorded> recorded = record_all(creation, earlier, std::move(prepared), failures);
  earlier.has_left_files = false;
  creation.call.log.connect();  // entering the container's mount namespace takes the way to the log away
  // Written directories are reached from the host, so they come before the first mount.
  deliver_all(creation, DeliveryKind::write, recorded, failures);
  save_outcome(creation, DeliveryKind::write, earlier, recorded);
  if (lock) lock->reset();
  deliver_all(creation, DeliveryKind::mount, recorded, failures);
  save_outcome(creation, DeliveryKind::mount, earlier, recorded);
}

// Failure: none of the chosen can be served.
Result<void> serve(const HookCall& call, const Spec& spec, std::string_view spec_text,
                   const std::vector<Chosen>& chosen, Failures& failures) {
  const auto runtime = RuntimeDir::open(call.config.runtime_dir);
  if (!runtime) return runtime.error();
  const auto process = ContainerProcess::open(call.state.pid);
  if (!process) return process.error();
  serve(Creation{call, spec, spec_text, *runtime, *process, ContainerLedger(runtime->containers()),
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

  Failures failures(call.state.id);
  if (auto served = serve(call, *spec, text, choice.chosen, failures); !served) {
    for (const Profile* profile : profiles_of(choice.chosen)) failures.add(*profile, Error(served.error()));
  }
  return failures.judge(call.log);
}

}  // namespace oci_oauth
