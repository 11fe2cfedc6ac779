// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/file.h"
#include "base/fmt.h"
#include "hook/creation.h"
#include "hook/freshen.h"
#include "hook/inherited.h"

namespace oci_oauth {

namespace {

Result<void> read_spec(Creation& creation) {
  const std::string path = creation.call.state.bundle + "/config.json";
  creation.spec_text = TRY(read_file({.path = path}, spec_limit));
  creation.spec = TRY(parse_spec(creation.spec_text, path));
  return {};
}

// It is unknown which profiles were chosen, so it may be any of them.
Result<void> judge_unreadable(const HookCall& call, Error error) {
  Error told = std::move(error).in(fmt::format("container {}: no token delivered", call.state.id));
  const bool blocks = std::ranges::count(call.config.profiles, OnFailure::block, &Profile::on_failure) > 0;
  call.log.write(blocks ? Priority::error : Priority::warning, told);
  return blocks ? Result<void>(std::move(told)) : Result<void>();
}

void warn_of_unknown_profiles(const HookCall& call) {
  for (const std::string& name : call.profiles) {
    if (call.config.find(name) != nullptr) continue;
    call.warn(name, "is not in " + call.config.path,
              "add it there, or correct the --profile of the hook file or CDI device");
  }
}

// Without a valid token the directory is delivered all the same, and the next refresh updates it.
void freshen_one(Creation& creation, const Profile& profile, std::vector<Chosen>& chosen) {
  auto fresh = freshen(creation, profile);
  if (!fresh) return creation.fail(profile, std::move(fresh).error());
  if (fresh->trouble) creation.fail(profile, std::move(*fresh->trouble), Creation::Token::valid);
  // The environment for a socket has a placeholder in such a variable.
  if (profile.delivery == Delivers::socket) return;
  const auto shadowed_by = assigned_among(fresh->shadowed_by, creation.spec_text);
  if (shadowed_by.empty()) return;
  creation.call.warn(profile.name,
                     fmt::format("its environment has {}, which a client there uses instead of the token",
                                 fmt::join(shadowed_by, ", ")),
                     "start it without that variable");
  for (Chosen& one : chosen) {
    if (one.profile == &profile) one.shadowed_by = shadowed_by;
  }
}

// The chosen ones, and those whose part they deliver.
void freshen_all(Creation& creation, std::vector<Chosen>& chosen) {
  for (const Profile* profile : profiles_of(chosen)) {
    for (const Profile* one : creation.call.config.delivered_with(*profile))
      freshen_one(creation, *one, chosen);
  }
}

void take_step(Creation& creation, Result<void> (*step)(const Creation& creation, Delivery& delivery)) {
  for (Delivery& one : creation.deliveries) {
    if (one.has_failed()) continue;
    auto done = step(creation, one);
    if (done) continue;
    note_failed_step(creation, one, done.error());
    creation.fail(*one.chosen.profile, std::move(done).error());
  }
}

// If the record is complete, the next refresh tries again.
void give_up_writing(Creation& creation, const Error& error) {
  for (Delivery& one : creation.deliveries) {
    if (!one.is_written() || one.has_failed()) continue;
    (void)note_failed(one.record, error);
    creation.fail(*one.chosen.profile, error);
  }
}

// Files that nobody would find again are not written; a mount disappears with its container.
void save_or_give_up_writing(Creation& creation) {
  const auto saved = save(creation);
  if (saved) return;
  for (const Delivery& one : creation.deliveries) {
    if (!one.has_failed()) creation.fail(*one.chosen.profile, saved.error());
  }
  std::erase_if(creation.deliveries, &Delivery::is_written);
}

// A mount needs no second record once it is made.
void deliver_and_save(Creation& creation, DeliveryKind kind) {
  bool has_outcome = false;
  for (Delivery& one : creation.deliveries) {
    if (one.is_written() != (kind == DeliveryKind::write) || one.has_failed()) continue;
    if (auto done = deliver(creation, one); !done)
      creation.fail(*one.chosen.profile, std::move(done).error());
    has_outcome |= one.record.state != DeliveryState::planned;
  }
  if (has_outcome && creation.is_recorded) (void)save(creation);
}

// Not every runtime calls poststop for a container that it does not create: crun does not. What was written
// is the next refresh's to remove.
void forget_uncreated(const Creation& creation) {
  const auto& record = creation.earlier.record;
  const bool was_written = record && has_written_directory(*record);
  if (was_written || std::ranges::any_of(creation.deliveries, &Delivery::is_written)) return;
  creation.ledger().remove(creation.earlier.name);
}

void serve(Creation& creation, std::vector<Chosen> chosen) {
  creation.earlier = find_earlier(creation);
  std::erase_if(chosen, [&](const Chosen& one) { return creation.earlier.has_delivered(one); });

  freshen_all(creation, chosen);
  if (chosen.empty() || creation.is_blocked()) return;
  for (const Chosen& one : chosen) creation.deliveries.emplace_back(one, creation.spec);
  take_step(creation, prepare);
  auto lock = lock_ledger(creation);
  take_step(creation, describe);
  if (!lock) give_up_writing(creation, lock.error());
  save_or_give_up_writing(creation);
  // Written directories are reached from the host, so they come before the first mount.
  deliver_and_save(creation, DeliveryKind::write);
  if (lock) lock->reset();
  deliver_and_save(creation, DeliveryKind::mount);
  if (creation.is_blocked()) forget_uncreated(creation);
}

}  // namespace

void Creation::fail(const Profile& profile, Error error, Token token) {
  const bool blocks = token == Token::none && profile.on_failure == OnFailure::block;
  failures_.push_back({std::move(error).in(call.about(profile.name)), blocks});
}

bool Creation::is_blocked() const {
  return std::ranges::any_of(failures_, &Failure::blocks);
}

Result<void> Creation::judge() const {
  // The log is reached by its path on the host.
  if (process && !failures_.empty()) process->leave_mounts();
  Result<void> verdict;
  for (const Failure& failure : failures_) {
    call.log.write(failure.blocks ? Priority::error : Priority::warning, failure.error);
    if (failure.blocks && verdict) verdict = failure.error;
  }
  return verdict;
}

Result<void> Creation::open() {
  runtime = TRY(RuntimeDir::open(call.config.runtime_dir));
  process = TRY(ContainerProcess::open(call.state.pid));
  identity = identify_process(call.state.pid);
  began = std::chrono::steady_clock::now();
  return {};
}

Result<void> create_runtime(Creation& creation) {
  const HookCall& call = creation.call;
  if (auto read = read_spec(creation); !read) return judge_unreadable(call, std::move(read).error());
  warn_of_unknown_profiles(call);
  const CallContext context = {.by_argument = call.profiles, .in_build = is_build_step(call.state)};
  const Choice choice = choose(call.config, context, creation.spec);
  log_skipped(call.log, call.state.id, choice);
  if (choice.chosen.empty()) return {};

  reset_for_writing();
  if (const auto opened = creation.open()) {
    serve(creation, choice.chosen);
  } else {
    for (const Profile* profile : profiles_of(choice.chosen)) creation.fail(*profile, opened.error());
  }
  return creation.judge();
}

}  // namespace oci_oauth
