// SPDX-License-Identifier: Apache-2.0
#include "wrapper/preparation.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "base/fmt.h"
#include "base/process.h"
#include "config/config.h"
#include "config/provider.h"
#include "config/scope.h"
#include "delivery/consent.h"
#include "delivery/container_ledger.h"
#include "delivery/hook_entry.h"
#include "oci/spec.h"
#include "oci/spec_edit.h"
#include "program/hint.h"
#include "program/installed_programs.h"

namespace oci_oauth {

namespace {

// nullopt: there is none, or it cannot be used.
Result<std::optional<Config>> load_wrapper_config(const RuntimeCall& call, const Log& log) {
  const Scope scope = scope_of_caller();
  const bool is_rootless = scope == Scope::user;
  // A rootless engine's environment belongs to its user, who gains nothing by changing it.
  const std::string path = config_path(scope);
  if (path.empty()) return std::optional<Config>();
  auto config = load_config(path);
  if (!config) {
    const bool is_quiet = !call.creates() || (is_rootless && config.error().kind == ErrorKind::not_found);
    if (!is_quiet) log.write(Priority::warning, config.error());
    if (call.creates() && could_block(path, false)) return std::move(config).error();
    return std::optional<Config>();
  }
  if (config->runtime_dir.empty() && !is_rootless) config->runtime_dir = system_runtime_dir;
  return std::optional<Config>(std::move(*config));
}

// Where the container was given which profile, according to the hook's record.
Result<std::vector<ChosenPlace>> given_places(const Config& config, const RuntimeCall& call) {
  std::vector<ChosenPlace> given;
  if (!is_valid_container_id(call.container)) return given;
  const auto directory = TRY(open_file({.path = config.runtime_dir}, O_PATH | O_DIRECTORY));
  const auto record = TRY(ContainerLedger(directory.get()).find(call.container));
  for (const DeliveryRecord& delivery : record.deliveries) {
    if (const Profile* profile = config.find(delivery.profile)) given.push_back({profile, delivery.target});
  }
  return given;
}

bool blocks(const Profile& profile) {
  return profile.on_failure == OnFailure::block;
}

Result<void> replace_if_changed(const RuntimeFile& file, const Result<std::string>& text) {
  if (!text) return text.error();
  return *text == file.text() ? Result<void>() : file.replace(*text);
}

class Preparation {
 public:
  Preparation(const Config& config, const RuntimeCall& call, const Log& log, std::string prefix)
      : config_(config), call_(call), log_(log), prefix_(std::move(prefix)) {}

  Result<void> prepare_creation() const {
    const auto file = RuntimeFile::open(call_.spec_path());
    const auto spec = file ? parse_spec(file->text(), file->path()) : Result<Spec>(file.error());
    if (!spec) return block_or_log(std::ranges::any_of(config_.profiles, blocks), spec.error());
    const auto bundle = real_path(call_.bundle);
    const bool in_build = is_build_step({.id = call_.container, .bundle = bundle ? *bundle : call_.bundle});
    const Choice choice = choose(config_, {.by_argument = {}, .in_build = in_build}, *spec);
    log_skipped(log_, call_.container, choice);
    if (choice.chosen.empty()) return {};
    auto edited = edit_bundle(*file, places_of(choice.chosen));
    if (edited) return {};
    const auto is_blocked = [](const Chosen& one) { return blocks(*one.profile); };
    return block_or_log(std::ranges::any_of(choice.chosen, is_blocked), std::move(edited).error());
  }

  void prepare_exec() const {
    if (call_.process.empty()) return;
    const auto given = given_places(config_, call_);
    if (given ? given->empty() : given.error().kind == ErrorKind::not_found) return;
    auto edited = given ? edit_exec(*given) : Result<void>(given.error());
    if (edited) return;
    log_.write(Priority::warning,
               std::move(edited).error().in(
                   fmt::format("container {}: exec without the provider's environment", call_.container)));
  }

 private:
  std::vector<std::string> environment_for(const std::vector<ChosenPlace>& places) const {
    return environment_of(places, provider_directories(prefix_), log_);
  }

  Result<void> edit_bundle(const RuntimeFile& file, const std::vector<ChosenPlace>& chosen) const {
    const HookProgram hook = {hook_path(prefix_), config_.path == system_config ? "" : config_.path};
    // A missing hook would make every chosen container fail.
    if (::access(hook.path.c_str(), X_OK) != 0)
      return Error::from_errno(errno, hook.path).with_hint(incomplete_hint);
    const auto entry = [&](std::string_view stage) {
      return std::string(write_json(hook_entry(hook, stage)).reveal());
    };
    const SpecEdit edit = {.create_runtime = entry("createRuntime"),
                           .poststop = entry("poststop"),
                           .hook_name = std::string(hook_name),
                           .environment = environment_for(chosen)};
    return replace_if_changed(file, edit_spec(file.text(), file.path(), edit));
  }

  Result<void> edit_exec(const std::vector<ChosenPlace>& given) const {
    const auto file = TRY(RuntimeFile::open(call_.process));
    return replace_if_changed(file, edit_process(file.text(), file.path(), environment_for(given)));
  }

  Result<void> block_or_log(bool blocks, Error error) const {
    Error told = std::move(error).in(fmt::format("container {}: no token delivered", call_.container));
    if (blocks) return told;
    log_.write(Priority::warning, told);
    return {};
  }

  const Config& config_;
  const RuntimeCall& call_;
  const Log& log_;
  const std::string prefix_;  // of our installation
};

}  // namespace

Result<std::string> prepare_call(const RuntimeCall& call, const Log& log) {
  const auto config = TRY(load_wrapper_config(call, log));
  if (!config) return std::string();
  if (call.creates() || call.verb == "exec") {
    const Preparation preparation(*config, call, log, TRY(installation_prefix(levels_of_command)));
    if (call.creates()) TRY(preparation.prepare_creation());
    if (call.verb == "exec") preparation.prepare_exec();
  }
  return config->runtime;
}

Result<void> check_runtime(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) return Error::from_errno(errno, path);
  const auto self = file_id({.path = "/proc/self/exe"});
  if (!self) return Error::from_errno(errno, "/proc/self/exe");
  if (self == FileId::of(status))
    return Error{ErrorKind::failed, fmt::format("{}: is this wrapper itself", path)};
  if (!S_ISREG(status.st_mode)) return Error{ErrorKind::failed, fmt::format("{}: is not a program", path)};
  if (::access(path.c_str(), X_OK) != 0) return Error::from_errno(errno, path);
  return {};
}

Result<std::string> choose_runtime(const std::string& configured, const std::vector<std::string>& directories,
                                   const Log& log) {
  if (!configured.empty()) {
    auto usable = check_runtime(configured);
    if (usable) return configured;
    log.write(Priority::warning,
              std::move(usable)
                  .error()
                  .in("the configured \"runtime\"")
                  .with_hint("correct it in the configuration; until then runc or crun is used"));
  }
  for (const char* name : {"runc", "crun"}) {
    for (const std::string& directory : directories) {
      std::string path = fmt::format("{}/{}", directory, name);
      if (check_runtime(path)) return path;
    }
  }
  return Error{ErrorKind::not_found,
               fmt::format("there is neither runc nor crun in {}", fmt::join(directories, ", ")),
               "install one, or set \"runtime\" in the configuration"};
}

}  // namespace oci_oauth
