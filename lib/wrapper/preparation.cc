// SPDX-License-Identifier: Apache-2.0
#include "wrapper/preparation.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include "base/file.h"
#include "base/fmt.h"
#include "base/process.h"
#include "config/provider.h"
#include "delivery/choice.h"
#include "delivery/container_ledger.h"
#include "oci/spec.h"
#include "oci/spec_edit.h"
#include "oci/state.h"
#include "program/hint.h"
#include "program/installed_programs.h"
#include "wrapper/runtime_file.h"

namespace oci_oauth {

namespace {

using Profiles = std::vector<const Profile*>;

Profiles all_profiles(const Config& config) {
  Profiles all;
  for (const Profile& profile : config.profiles) all.push_back(&profile);
  return all;
}

bool runs_build_step(const RuntimeCall& call) {
  const auto bundle = real_path(call.bundle);
  ContainerState state;
  state.id = call.container;
  state.bundle = bundle ? *bundle : call.bundle;
  return is_build_step(state);
}

Result<void> start_or_block(const Preparation& preparation, const RuntimeCall& call,
                            const Profiles& concerned, Error error) {
  Error told = std::move(error).in(fmt::format("container {}: no token delivered", call.container));
  const bool blocks = std::ranges::count(concerned, OnFailure::block, &Profile::on_failure) > 0;
  if (blocks) return told;
  preparation.log.write(Priority::warning, told);
  return {};
}

std::vector<std::string> environment_for(const Preparation& preparation,
                                         const std::vector<ChosenPlace>& places) {
  return environment_of(places, provider_directories(preparation.prefix), preparation.log);
}

std::string entry_for(const Preparation& preparation, std::string_view stage) {
  return std::string(write_json(hook_entry(preparation.hook, stage)).reveal());
}

Result<void> replace_if_changed(const RuntimeFile& file, const Result<std::string>& text) {
  if (!text) return text.error();
  return *text == file.text() ? Result<void>() : file.replace(*text);
}

Result<void> edit_bundle(const Preparation& preparation, const RuntimeFile& file,
                         const std::vector<ChosenPlace>& chosen) {
  // A missing hook would make every chosen container fail.
  if (::access(preparation.hook.path.c_str(), X_OK) != 0)
    return Error::from_errno(errno, preparation.hook.path).with_hint(incomplete_hint);
  const SpecEdit edit = {.create_runtime = entry_for(preparation, "createRuntime"),
                         .poststop = entry_for(preparation, "poststop"),
                         .hook_name = std::string(hook_name),
                         .environment = environment_for(preparation, chosen)};
  return replace_if_changed(file, edit_spec(file.text(), file.path(), edit));
}

// Where the container was given which profile, according to the hook's record.
Result<std::vector<ChosenPlace>> given_places(const Preparation& preparation, const RuntimeCall& call) {
  if (!is_valid_container_id(call.container)) return std::vector<ChosenPlace>();
  const auto directory = TRY(open_file({.path = preparation.config.runtime_dir}, O_PATH | O_DIRECTORY));
  const auto record = TRY(ContainerLedger(directory.get()).find(call.container));
  std::vector<ChosenPlace> given;
  for (const DeliveryRecord& delivery : record.deliveries) {
    if (const Profile* profile = preparation.config.find(delivery.profile))
      given.push_back({profile, delivery.target});
  }
  return given;
}

}  // namespace

Result<void> prepare_creation(const Preparation& preparation, const RuntimeCall& call) {
  const auto file = RuntimeFile::open(call.spec_path());
  const auto spec = file ? parse_spec(file->text(), file->path()) : Result<Spec>(file.error());
  if (!spec) return start_or_block(preparation, call, all_profiles(preparation.config), spec.error());
  const Choice choice =
      choose(preparation.config, {.by_argument = {}, .in_build = runs_build_step(call)}, *spec);
  log_passed_over(preparation.log, call.container, choice);
  const Profiles chosen = profiles_of(choice.chosen);
  if (chosen.empty()) return {};
  auto edited = edit_bundle(preparation, *file, places_of(choice.chosen));
  if (edited) return {};
  return start_or_block(preparation, call, chosen, std::move(edited).error());
}

void prepare_exec(const Preparation& preparation, const RuntimeCall& call) {
  if (call.process.empty()) return;
  const auto given = given_places(preparation, call);
  if (!given && given.error().kind == ErrorKind::not_found) return;
  const std::string context =
      fmt::format("container {}: exec without the provider's environment", call.container);
  if (!given) return preparation.log.write(Priority::warning, Error(given.error()).in(context));
  if (given->empty()) return;

  const auto file = RuntimeFile::open(call.process);
  if (!file) return preparation.log.write(Priority::warning, Error(file.error()).in(context));
  const auto edited = replace_if_changed(
      *file, edit_process(file->text(), file->path(), environment_for(preparation, *given)));
  if (!edited) preparation.log.write(Priority::warning, Error(edited.error()).in(context));
}

Result<void> prepare_call(const Config& config, const RuntimeCall& call, const Log& log) {
  if (!call.creates() && call.verb != "exec") return {};
  auto prefix = TRY(installation_prefix(levels_of_command));
  const std::string hook_config = config.path == system_config ? "" : config.path;
  const Preparation preparation = {config, prefix, {hook_path(prefix), hook_config}, log};
  if (call.creates()) return prepare_creation(preparation, call);
  prepare_exec(preparation, call);
  return {};
}

}  // namespace oci_oauth
