// SPDX-License-Identifier: Apache-2.0
// Podman and CRI-O: files in a hooks directory, oci-hooks(5).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/json.h"
#include "setup/plan.h"
#include "setup/toml.h"
#include "token/hook_entry.h"

namespace oci_oauth {

namespace {

constexpr std::string_view system_hooks = "/usr/share/containers/oci/hooks.d";

using Paths = std::vector<std::string>;

std::string hook_file(const Site& site, std::string_view stage) {
  JsonDocument json;
  json.SetObject();
  const HookProgram program = {.path = site.hook(), .config = site.scope == Scope::user ? site.config : ""};
  JsonValue when(rapidjson::kObjectType), stages(rapidjson::kArrayType);
  json_set(json, when, "always", JsonValue(true));
  stages.PushBack(json_copy(json, stage), json.GetAllocator());
  json_set(json, json, "version", json_copy(json, "1.0.0"));
  json_set(json, json, "hook", hook_entry(json, program, stage));
  json_set(json, json, "when", std::move(when));
  json_set(json, json, "stages", std::move(stages));
  return std::string(write_json(json, JsonStyle::indented).reveal());
}

std::string hook_file_path(std::string_view directory, std::string_view stage) {
  return fmt::format("{}/oci-oauth-{}.json", directory, stage);
}

void add_hooks(Plan& plan, const Site& site, std::string_view directory,
               std::initializer_list<const char*> stages) {
  for (const char* stage : stages) {
    plan.files.push_back({.path = hook_file_path(directory, stage), .text = hook_file(site, stage)});
  }
}

Paths drop_ins(const Tree& tree, const std::string& directory) {
  Paths paths;
  for (const std::string& name : tree.list(directory)) {
    if (name.ends_with(".conf")) paths.push_back(fmt::format("{}/{}", directory, name));
  }
  return paths;
}

// The list that the last of the files gives for `key`, and which file that is.
struct HooksDirs {
  Paths directories = {std::string(system_hooks)};
  std::string file = {};
};

Result<HooksDirs> configured_hooks(const Tree& tree, const Paths& files, const TomlPath& key) {
  HooksDirs dirs;
  for (const std::string& file : files) {
    auto text = tree.read(file);
    if (!text) return std::move(text).error();
    if (!*text) continue;
    auto toml = Toml::parse(**text, tree.shown(file));
    if (!toml) return std::move(toml).error();
    if (auto listed = toml->strings(key)) dirs = {std::move(*listed), file};
  }
  return dirs;
}

bool holds(const Paths& directories, std::string_view directory) {
  return std::find(directories.begin(), directories.end(), directory) != directories.end();
}

void check_read(Plan& plan, const Site& site, const HooksDirs& dirs, std::string_view directory) {
  if (holds(dirs.directories, directory)) return;
  plan.unread = fmt::format("{}: hooks_dir is [{}], so {} is not read", site.tree.shown(dirs.file),
                            fmt::join(dirs.directories, ", "), directory);
}

// containers.conf(5): later files win.
Paths podman_files(const Site& site) {
  Paths files = {"/usr/share/containers/containers.conf", "/etc/containers/containers.conf"};
  const auto add = [&](const Paths& more) { files.insert(files.end(), more.begin(), more.end()); };
  add(drop_ins(site.tree, "/etc/containers/containers.conf.d"));
  if (site.scope == Scope::system) return files;
  add({site.config_home + "/containers/containers.conf"});
  add(drop_ins(site.tree, site.config_home + "/containers/containers.conf.d"));
  return files;
}

const TomlPath podman_key = {"engine", "hooks_dir"};

// A user's hooks lie in a directory of the user's own, which Podman reads only when it is told to.
Result<Plan> plan_user_podman(const Site& site) {
  const std::string directory = site.config_home + "/containers/oci/hooks.d";
  const std::string drop_in = site.config_home + "/containers/containers.conf.d/oci-oauth.conf";
  Paths files = podman_files(site);
  std::erase(files, drop_in);
  auto dirs = configured_hooks(site.tree, files, podman_key);
  if (!dirs) return std::move(dirs).error();
  if (dirs->file > drop_in && dirs->file.starts_with(site.config_home + "/containers/containers.conf.d/")) {
    Plan plan;
    check_read(plan, site, *dirs, directory);
    if (!plan.unread.empty())
      plan.next.push_back(fmt::format("add \"{}\" to hooks_dir in {}", directory, dirs->file));
    add_hooks(plan, site, directory, {"createRuntime", "poststop", "precreate"});
    return plan;
  }
  Paths listed = dirs->directories;
  if (!holds(listed, directory)) listed.push_back(directory);
  Paths quoted;
  std::transform(listed.begin(), listed.end(), std::back_inserter(quoted), toml_quoted);
  Plan plan;
  plan.files.push_back(
      {.path = drop_in,
       .text = fmt::format("# Written by `oci-oauth install podman`. hooks_dir replaces the list of other "
                           "files, so it names theirs too.\n[engine]\nhooks_dir = [{}]\n",
                           fmt::join(quoted, ", "))});
  add_hooks(plan, site, directory, {"createRuntime", "poststop", "precreate"});
  return plan;
}

bool has_crio(const Site& site) {
  return !site.tree.find_program("crio").empty() || site.tree.exists("/etc/crio");
}

}  // namespace

Result<Plan> plan_podman(const Site& site, const Ledger&, Default) {
  if (site.scope == Scope::user) return plan_user_podman(site);
  auto dirs = configured_hooks(site.tree, podman_files(site), podman_key);
  if (!dirs) return std::move(dirs).error();
  Plan plan;
  check_read(plan, site, *dirs, system_hooks);
  add_hooks(plan, site, system_hooks, {"createRuntime", "poststop"});
  // CRI-O reads the same directory, knows no such stage, and does not start with a file that it refuses.
  if (has_crio(site)) {
    plan.unwanted.push_back(hook_file_path(system_hooks, "precreate"));
    plan.notes.emplace_back(
        "CRI-O shares the hooks directory and refuses Podman's stage precreate: give containers the "
        "provider's "
        "variables with --env, or with a CDI device (oci-oauth install cdi)");
  } else {
    add_hooks(plan, site, system_hooks, {"precreate"});
  }
  return plan;
}

Result<Plan> plan_crio(const Site& site, const Ledger&, Default) {
  Paths files = {"/etc/crio/crio.conf"};
  for (std::string& file : drop_ins(site.tree, "/etc/crio/crio.conf.d")) files.push_back(std::move(file));
  auto dirs = configured_hooks(site.tree, files, {"crio", "runtime", "hooks_dir"});
  if (!dirs) return std::move(dirs).error();
  Plan plan;
  check_read(plan, site, *dirs, system_hooks);
  add_hooks(plan, site, system_hooks, {"createRuntime", "poststop"});
  plan.unwanted.push_back(hook_file_path(system_hooks, "precreate"));
  return plan;
}

}  // namespace oci_oauth
