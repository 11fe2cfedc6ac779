// SPDX-License-Identifier: Apache-2.0
#include "hook/create_runtime.h"

#include <algorithm>
#include <iterator>

#include "base/fmt.h"
#include "delivery/failures.h"
#include "delivery/share.h"
#include "hook/deliver.h"
#include "hook/freshen.h"
#include "hook/inherited.h"
#include "hook/prepare.h"
#include "hook/record.h"
#include "oci/spec.h"

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
  const bool blocks = std::ranges::count(call.config.profiles, OnFailure::block, &Profile::on_failure) > 0;
  call.log.write(blocks ? Priority::error : Priority::warning, told);
  return blocks ? Result<void>(std::move(told)) : Result<void>();
}

// The chosen ones, and those whose part they deliver.
std::vector<const Profile*> profiles_to_freshen(const Config& config, const std::vector<Chosen>& chosen) {
  std::vector<const Profile*> profiles;
  for (const Profile* profile : profiles_of(chosen))
    std::ranges::move(config.delivered_with(*profile), std::back_inserter(profiles));
  return profiles;
}

// Without a valid token the directory is delivered all the same, and the next refresh updates it.
void freshen_all(const CreateContext& context, std::vector<Chosen>& chosen, Failures& failures) {
  for (const Profile* profile : profiles_to_freshen(context.call.config, chosen)) {
    auto fresh = freshen(context, *profile);
    if (!fresh) {
      failures.add(*profile, std::move(fresh).error());
      continue;
    }
    if (fresh->trouble) failures.warn(*profile, std::move(*fresh->trouble));
    // The environment for a socket has a placeholder in such a variable.
    if (profile->delivery == Delivers::socket) continue;
    const auto shadowed_by = assigned_among(fresh->shadowed_by, context.spec_text);
    if (shadowed_by.empty()) continue;
    context.warn(*profile,
                 fmt::format("its environment has {}, which a client there uses instead of the token",
                             fmt::join(shadowed_by, ", ")),
                 "start it without that variable");
    for (Chosen& one : chosen) {
      if (one.profile == profile) one.shadowed_by = shadowed_by;
    }
  }
}

// Failure: added to `failures`, and recorded.
void for_all(std::vector<Delivery>& deliveries, Failures& failures, const CreateContext& context,
             Result<void> (*step)(const CreateContext& context, Delivery& delivery)) {
  for (Delivery& one : deliveries) {
    if (one.has_failed()) continue;
    auto done = step(context, one);
    if (done) continue;
    note_failed_step(context.spec, one, done.error());
    failures.add(*one.chosen.profile, std::move(done).error());
  }
}

// If the record is complete, the next refresh tries again.
void give_up_writing(std::vector<Delivery>& deliveries, const Error& error, Failures& failures) {
  for (Delivery& one : deliveries) {
    if (!one.is_written() || one.has_failed()) continue;
    (void)note_failed(one.record, error);
    failures.add(*one.chosen.profile, Error(error));
  }
}

// Files that nobody would find again are not written; a mount disappears with its container.
void save_all(const CreateContext& context, const Earlier& earlier, std::vector<Delivery>& deliveries,
              Failures& failures) {
  auto saved = save(context, earlier, deliveries);
  if (saved) return;
  for (const Delivery& one : deliveries) {
    if (!one.has_failed()) failures.add(*one.chosen.profile, Error(saved.error()));
  }
  std::erase_if(deliveries, [](const Delivery& one) { return one.is_written(); });
}

void deliver_all(const CreateContext& context, DeliveryKind kind, std::vector<Delivery>& deliveries,
                 Failures& failures) {
  for (Delivery& one : deliveries) {
    if (one.is_written() != (kind == DeliveryKind::write) || one.has_failed()) continue;
    if (auto done = deliver(context, one); !done) failures.add(*one.chosen.profile, std::move(done).error());
  }
}

// A mount needs no second record once it is made.
void save_outcome(const CreateContext& context, DeliveryKind kind, const Earlier& earlier,
                  const std::vector<Delivery>& deliveries) {
  const bool is_new = std::ranges::any_of(deliveries, [&](const Delivery& one) {
    return one.record.kind == kind && one.record.state != DeliveryState::planned;
  });
  if (is_new) (void)save(context, earlier, deliveries);
}

// Not every runtime calls poststop for a container that it does not create: crun does not. What was written
// is the next refresh's to remove.
void forget_uncreated(const CreateContext& context, const Earlier& earlier,
                      const std::vector<Delivery>& deliveries) {
  const bool is_written = std::ranges::any_of(deliveries, &Delivery::is_written);
  const bool was_written = earlier.place.record && has_written_directory(*earlier.place.record);
  if (!is_written && !was_written) context.ledger.remove(earlier.place.name);
}

std::vector<Delivery> serve(const CreateContext& context, std::vector<Chosen> chosen, Failures& failures) {
  Earlier earlier = find_earlier(context);
  std::erase_if(chosen, [&](const Chosen& one) { return is_delivered(earlier, one); });

  freshen_all(context, chosen, failures);
  std::vector<Delivery> deliveries;
  if (chosen.empty() || failures.block()) return deliveries;
  for (const Chosen& one : chosen) deliveries.emplace_back(one);
  for_all(deliveries, failures, context, prepare);
  auto lock = lock_ledger(context, earlier, deliveries);
  for_all(deliveries, failures, context, describe);
  if (!lock) give_up_writing(deliveries, lock.error(), failures);
  save_all(context, earlier, deliveries, failures);
  earlier.has_left_files = false;
  // Written directories are reached from the host, so they come before the first mount.
  deliver_all(context, DeliveryKind::write, deliveries, failures);
  save_outcome(context, DeliveryKind::write, earlier, deliveries);
  if (lock) lock->reset();
  deliver_all(context, DeliveryKind::mount, deliveries, failures);
  save_outcome(context, DeliveryKind::mount, earlier, deliveries);
  if (failures.block()) forget_uncreated(context, earlier, deliveries);
  return deliveries;
}

// Failure: none of the chosen profiles can be delivered.
Result<void> serve(Creation& creation, const HookCall& call, const Spec& spec, std::string_view spec_text,
                   const std::vector<Chosen>& chosen, Failures& failures) {
  creation.runtime = TRY(RuntimeDir::open(call.config.runtime_dir));
  creation.process = TRY(ContainerProcess::open(call.state.pid));
  const CreateContext context = {call,
                                 spec,
                                 spec_text,
                                 *creation.runtime,
                                 *creation.process,
                                 ContainerLedger(creation.runtime->fd()),
                                 identify_process(call.state.pid)};
  creation.deliveries = serve(context, chosen, failures);
  // The log is reached by its path on the host.
  if (!failures.empty()) creation.process->leave_mounts();
  return {};
}

}  // namespace

Creation create_runtime(const HookCall& call) {
  Creation creation;
  std::string text;
  auto read = read_spec(call.state, text);
  if (!read) {
    creation.verdict = judge_unreadable(call, std::move(read).error());
    return creation;
  }
  const Spec& spec = creation.spec.emplace(*std::move(read));
  log_unknown_profiles(call);
  const Choice choice =
      choose(call.config, {.by_argument = call.profiles, .in_build = is_build_step(call.state)}, spec);
  log_passed_over(call.log, call.state.id, choice);
  if (choice.chosen.empty()) return creation;

  reset_for_writing();
  Failures failures(call.state.id);
  if (auto served = serve(creation, call, spec, text, choice.chosen, failures); !served) {
    for (const Profile* profile : profiles_of(choice.chosen)) failures.add(*profile, Error(served.error()));
  }
  creation.verdict = failures.judge(call.log);
  return creation;
}

}  // namespace oci_oauth
