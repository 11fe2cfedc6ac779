// SPDX-License-Identifier: Apache-2.0
// Podman and CRI-O: files in a hooks directory, oci-hooks(5).
#include <unistd.h>

#include <algorithm>

#include "base/command_output.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "delivery/hook_entry.h"
#include "program/hint.h"
#include "setup/plan.h"
#include "setup/toml.h"

namespace oci_oauth {

namespace {

constexpr const char* system_hooks = "/usr/share/containers/oci/hooks.d";
// If /usr is a read-only image (bootc, ostree).
constexpr const char* local_hooks = "/etc/containers/oci/hooks.d";

using Paths = std::vector<std::string>;

std::string hook_file(const Host& host, std::string_view stage) {
  const HookProgram program = {.path = host.hook(), .config = host.scope == Scope::user ? host.config : ""};
  const JsonValue json = json_object({{"version", "1.0.0"},
                                      {"hook", hook_entry(program, stage)},
                                      {"when", json_object({{"always", true}})},
                                      {"stages", std::vector{stage}}});
  return std::string(write_json(json, JsonStyle::indented).reveal());
}

std::string hook_file_path(std::string_view directory, std::string_view stage) {
  return fmt::format("{}/oci-oauth-{}.json", directory, stage);
}

Paths drop_ins(const Tree& tree, const std::string& directory) {
  Paths paths;
  for (const std::string& name : tree.list(directory)) {
    if (name.ends_with(".conf")) paths.push_back(fmt::format("{}/{}", directory, name));
  }
  return paths;
}

// The effective list, and the file that set it last. {append = true} in a list adds to the earlier ones, and
// so do the lists in later files until one says {append = false}: containers.conf(5), Podman 4.8 and later.
struct HooksDirs {
  Paths directories = {system_hooks};
  std::string file = {};
  bool appends = false;
};

Result<HooksDirs> configured_hooks(const Tree& tree, const Paths& files, const TomlPath& key) {
  HooksDirs dirs;
  for (const std::string& file : files) {
    auto text = TRY(tree.read(file));
    if (!text) continue;
    auto toml = TRY(Toml::parse(*text, tree.shown(file)));
    auto listed = toml.list(key);
    if (!listed) continue;
    dirs.appends = listed->append.value_or(dirs.appends);
    if (!dirs.appends) dirs.directories.clear();
    dirs.directories.insert(dirs.directories.end(), listed->strings.begin(), listed->strings.end());
    dirs.file = file;
  }
  return dirs;
}

bool holds(const Paths& directories, std::string_view directory) {
  return std::ranges::find(directories, directory) != directories.end();
}

void check_read(Plan& plan, const Host& host, const HooksDirs& dirs, std::string_view directory) {
  if (holds(dirs.directories, directory)) return;
  plan.unread = fmt::format("{}: hooks_dir is [{}], so {} is not read", host.tree.shown(dirs.file),
                            fmt::join(dirs.directories, ", "), directory);
}

// containers.conf(5): later files win. Some are for rootless Podman only, and for one of its users.
Paths podman_files(const Host& host) {
  Paths files = {"/usr/share/containers/containers.conf", "/etc/containers/containers.conf"};
  const auto add = [&](const std::string& directory) {
    for (std::string& file : drop_ins(host.tree, directory)) files.push_back(std::move(file));
  };
  add("/etc/containers/containers.conf.d");
  if (host.scope == Scope::system) return files;
  for (const char* place : {"/usr/share/containers", "/etc/containers"}) {
    files.push_back(fmt::format("{}/containers.rootless.conf", place));
    add(fmt::format("{}/containers.rootless.conf.d", place));
    add(fmt::format("{}/containers.rootless.conf.d/{}", place, ::geteuid()));
  }
  files.push_back(host.config_home + "/containers/containers.conf");
  add(host.config_home + "/containers/containers.conf.d");
  return files;
}

// Whether Podman knows {append = true}: by its version, or because one of its files uses it.
bool can_append(const Host& host, const HooksDirs& dirs) {
  constexpr auto bound = std::chrono::seconds(10);
  if (dirs.appends) return true;
  if (!host.tree.is_host()) return false;
  const auto output = run_command({"podman", "--version"}, bound);
  constexpr std::string_view before = "podman version ";
  if (!output || !output->out.starts_with(before)) return false;
  std::string_view version = std::string_view(output->out).substr(before.size());
  const auto next_number = [&] { return number_in<unsigned>(next_part(version, '.')).value_or(0); };
  const unsigned major = next_number(), minor = next_number();
  return std::pair(major, minor) >= std::pair(4U, 8U);
}

std::string list_with(const Host& host, const std::string& engine, const HooksDirs& dirs,
                      const std::string& directory) {
  if (engine == "podman" && can_append(host, dirs))
    return fmt::format("[{}, {{append = true}}]", toml_quoted(directory));
  Paths listed = dirs.directories;
  if (!holds(listed, directory)) listed.push_back(directory);
  Paths quoted;
  std::ranges::transform(listed, std::back_inserter(quoted), toml_quoted);
  return fmt::format("[{}]", fmt::join(quoted, ", "));
}

struct Reader {
  std::string engine;
  Paths files;
  TomlPath key;
  std::string drop_in, table;  // ours
};

// A directory that the engine reads only if it is told to: by our drop-in, unless a later file overrides it.
Result<void> add_own_directory(Plan& plan, const Host& host, const Ledger& ledger, Reader reader,
                               const std::string& directory) {
  std::erase(reader.files, reader.drop_in);
  const auto dirs = TRY(configured_hooks(host.tree, reader.files, reader.key));
  if (!dirs.appends && dirs.file > reader.drop_in &&
      dirs.file.starts_with(parent_directory(reader.drop_in) + "/")) {
    check_read(plan, host, dirs, directory);
    if (!plan.unread.empty())
      plan.next.push_back(fmt::format("add \"{}\" to hooks_dir in {}", directory, dirs.file));
    return {};
  }
  auto text = fmt::format(
      "# Written by `oci-oauth install {}`. hooks_dir may replace the lists in other files, so it "
      "includes what they name.\n[{}]\nhooks_dir = {}\n",
      reader.engine, reader.table, list_with(host, reader.engine, dirs, directory));
  plan.changes.push_back(TRY(plan_whole_file(host.tree, ledger, reader.drop_in, std::move(text))));
  return {};
}

Reader podman_reader(const Host& host) {
  const std::string home = host.scope == Scope::user ? host.config_home : "/etc";
  return {"podman",
          podman_files(host),
          {"engine", "hooks_dir"},
          home + "/containers/containers.conf.d/oci-oauth.conf",
          "engine"};
}

Reader crio_reader(const Host& host) {
  Paths files = {"/etc/crio/crio.conf"};
  for (std::string& file : drop_ins(host.tree, "/etc/crio/crio.conf.d")) files.push_back(std::move(file));
  return {"crio",
          std::move(files),
          {"crio", "runtime", "hooks_dir"},
          "/etc/crio/crio.conf.d/oci-oauth.conf",
          "crio.runtime"};
}

// The directory that engines read by default, unless it is not writable and contains nothing of ours.
std::string hooks_directory(const Host& host) {
  const bool is_there = host.tree.exists(hook_file_path(system_hooks, "createRuntime"));
  return !is_there && host.tree.is_read_only(system_hooks) ? local_hooks : system_hooks;
}

// CRI-O reads the same directory as Podman, does not know this stage, and does not start with a file that it
// refuses.
enum class Precreate { wanted, unwanted };

Result<Plan> plan_hooks(const Host& host, const Ledger& ledger, Reader reader, const std::string& directory,
                        Precreate precreate) {
  Plan plan;
  if (directory == system_hooks) {
    const auto dirs = TRY(configured_hooks(host.tree, reader.files, reader.key));
    check_read(plan, host, dirs, directory);
  } else {
    TRY(add_own_directory(plan, host, ledger, std::move(reader), directory));
  }
  for (const char* stage : {"createRuntime", "poststop", "precreate"}) {
    const std::string path = hook_file_path(directory, stage);
    const bool is_unwanted = precreate == Precreate::unwanted && stage == std::string_view("precreate");
    if (!is_unwanted)
      plan.changes.push_back(TRY(plan_whole_file(host.tree, ledger, path, hook_file(host, stage))));
    else if (ledger.find(path) != nullptr)
      plan.changes.push_back(TRY(plan_without_ours(host.tree, ledger, path, OwnedPart::whole)));
  }
  return plan;
}

bool has_crio(const Host& host) {
  return !host.tree.find_program("crio").empty() || host.tree.exists("/etc/crio");
}

}  // namespace

Result<Plan> plan_podman(const Host& host, const Ledger& ledger, Default) {
  const bool is_users = host.scope == Scope::user;
  const std::string directory =
      is_users ? host.config_home + "/containers/oci/hooks.d" : hooks_directory(host);
  if (is_users || !has_crio(host))
    return plan_hooks(host, ledger, podman_reader(host), directory, Precreate::wanted);
  auto plan = TRY(plan_hooks(host, ledger, podman_reader(host), directory, Precreate::unwanted));
  plan.notes.push_back(
      "CRI-O shares the hooks directory and refuses Podman's stage precreate: give containers the provider's "
      "variables with --env, or with a CDI device: " +
      as_typed("oci-oauth install cdi"));
  return plan;
}

Result<Plan> plan_crio(const Host& host, const Ledger& ledger, Default) {
  return plan_hooks(host, ledger, crio_reader(host), hooks_directory(host), Precreate::unwanted);
}

}  // namespace oci_oauth
