// SPDX-License-Identifier: Apache-2.0
// Podman and CRI-O: files in a hooks directory, oci-hooks(5).
#include <unistd.h>

#include <algorithm>

#include "base/fmt.h"
#include "base/json.h"
#include "base/path.h"
#include "base/spawn.h"
#include "base/text.h"
#include "delivery/hook_entry.h"
#include "program/hint.h"
#include "setup/engine.h"
#include "setup/toml.h"

namespace oci_oauth {

namespace {

constexpr const char* system_hooks = "/usr/share/containers/oci/hooks.d";
// If /usr is a read-only image (bootc, ostree).
constexpr const char* local_hooks = "/etc/containers/oci/hooks.d";

using Paths = std::vector<std::string>;

// An engine that reads hooks, and what tells it where they are.
struct Reader {
  std::string_view engine, table;  // the TOML table with hooks_dir
  Paths files;                     // later ones win
  std::string drop_in;             // ours, in the directory of theirs
};

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

void add_drop_ins(const Tree& tree, const std::string& directory, Paths& files) {
  for (const std::string& name : tree.list(directory)) {
    if (name.ends_with(".conf")) files.push_back(fmt::format("{}/{}", directory, name));
  }
}

// The effective list, and the file that set it last. {append = true} in a list adds to the earlier ones, and
// so do the lists in later files until one says {append = false}: containers.conf(5), Podman 4.8 and later.
struct HooksDirs {
  Paths directories = {system_hooks};
  std::string file = {};
  bool appends = false;

  bool has(std::string_view directory) const {
    return std::ranges::find(directories, directory) != directories.end();
  }
};

Result<HooksDirs> configured_hooks(const Tree& tree, const Reader& reader) {
  HooksDirs dirs;
  for (const std::string& file : reader.files) {
    const auto text = TRY(tree.read(file));
    const auto toml = TRY(parse_toml(text.value_or(""), tree.shown(file)));
    const TomlView list = toml::at_path(toml, fmt::format("{}.hooks_dir", reader.table));
    if (!list.is_array()) continue;
    for (const toml::node& element : *list.as_array())
      dirs.appends = TomlView(element)["append"].value_or(dirs.appends);
    if (!dirs.appends) dirs.directories.clear();
    std::ranges::move(strings_in(list), std::back_inserter(dirs.directories));
    dirs.file = file;
  }
  return dirs;
}

void check_read(Plan& plan, const Host& host, const HooksDirs& dirs, std::string_view directory) {
  if (dirs.has(directory)) return;
  plan.unread = fmt::format("{}: hooks_dir is [{}], so {} is not read", host.tree.shown(dirs.file),
                            fmt::join(dirs.directories, ", "), directory);
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

// A basic string of TOML accepts JSON's escapes.
std::string list_with(const Host& host, const Reader& reader, HooksDirs dirs, const std::string& directory) {
  if (reader.engine == "podman" && can_append(host, dirs))
    return fmt::format("[{}, {{append = true}}]", json_quoted(directory));
  if (!dirs.has(directory)) dirs.directories.push_back(directory);
  for (std::string& listed : dirs.directories) listed = json_quoted(listed);
  return fmt::format("[{}]", fmt::join(dirs.directories, ", "));
}

// A directory that the engine reads only if it is told to: by our drop-in, unless a later file overrides it.
Result<void> add_own_directory(Plan& plan, const Host& host, Reader reader, const std::string& directory) {
  std::erase(reader.files, reader.drop_in);
  const auto dirs = TRY(configured_hooks(host.tree, reader));
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
      reader.engine, reader.table, list_with(host, reader, dirs, directory));
  plan.changes.push_back(TRY(plan_whole_file(host, reader.drop_in, std::move(text))));
  return {};
}

// containers.conf(5). Some files are for rootless Podman only, and for one of its users.
Reader podman_reader(const Host& host) {
  const std::string own = host.scope == Scope::user ? host.config_home + "/containers" : "/etc/containers";
  Reader reader = {"podman", "engine", {}, own + "/containers.conf.d/oci-oauth.conf"};
  Paths& files = reader.files;
  files = {"/usr/share/containers/containers.conf", "/etc/containers/containers.conf"};
  add_drop_ins(host.tree, "/etc/containers/containers.conf.d", files);
  if (host.scope == Scope::system) return reader;
  for (const std::string place : {"/usr/share/containers", "/etc/containers"}) {
    const std::string file = place + "/containers.rootless.conf";
    files.push_back(file);
    add_drop_ins(host.tree, file + ".d", files);
    add_drop_ins(host.tree, fmt::format("{}.d/{}", file, ::geteuid()), files);
  }
  files.push_back(own + "/containers.conf");
  add_drop_ins(host.tree, own + "/containers.conf.d", files);
  return reader;
}

Reader crio_reader(const Host& host) {
  const std::string directory = "/etc/crio/crio.conf.d";
  Reader reader = {"crio", "crio.runtime", {"/etc/crio/crio.conf"}, directory + "/oci-oauth.conf"};
  add_drop_ins(host.tree, directory, reader.files);
  return reader;
}

// The directory that engines read by default, unless it is not writable and contains nothing of ours.
std::string hooks_directory(const Host& host) {
  const bool is_there = host.tree.exists(hook_file_path(system_hooks, "createRuntime"));
  return !is_there && host.tree.is_read_only(system_hooks) ? local_hooks : system_hooks;
}

// CRI-O reads the same directory as Podman, does not know this stage, and does not start with a file that it
// refuses.
enum class Precreate { wanted, unwanted };

Result<Plan> plan_hooks(const Host& host, const Reader& reader, const std::string& directory,
                        Precreate precreate) {
  Plan plan;
  if (directory == system_hooks) {
    check_read(plan, host, TRY(configured_hooks(host.tree, reader)), directory);
  } else {
    TRY(add_own_directory(plan, host, reader, directory));
  }
  for (const std::string_view stage : {"createRuntime", "poststop", "precreate"}) {
    const std::string path = hook_file_path(directory, stage);
    if (precreate == Precreate::wanted || stage != "precreate") {
      plan.changes.push_back(TRY(plan_whole_file(host, path, hook_file(host, stage))));
    } else if (host.ledger.find(path) != nullptr) {
      plan.changes.push_back(TRY(plan_without_ours(host, path, OwnedPart::whole)));
    }
  }
  return plan;
}

}  // namespace

Result<Plan> plan_podman(const Host& host, Default) {
  const Reader reader = podman_reader(host);
  if (host.scope == Scope::user)
    return plan_hooks(host, reader, host.config_home + "/containers/oci/hooks.d", Precreate::wanted);
  const bool has_crio = !host.tree.find_program("crio").empty() || host.tree.exists("/etc/crio");
  if (!has_crio) return plan_hooks(host, reader, hooks_directory(host), Precreate::wanted);
  auto plan = TRY(plan_hooks(host, reader, hooks_directory(host), Precreate::unwanted));
  plan.notes.push_back(
      "CRI-O shares the hooks directory and refuses Podman's stage precreate: give containers the provider's "
      "variables with --env, or with a CDI device: " +
      as_typed("oci-oauth install cdi"));
  return plan;
}

Result<Plan> plan_crio(const Host& host, Default) {
  return plan_hooks(host, crio_reader(host), hooks_directory(host), Precreate::unwanted);
}

}  // namespace oci_oauth
