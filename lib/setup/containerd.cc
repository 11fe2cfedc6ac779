// SPDX-License-Identifier: Apache-2.0
// containerd: the wrapper as a runtime of its CRI plugin, for a Kubernetes RuntimeClass.
#include <fnmatch.h>

#include <algorithm>
#include <set>
#include <span>
#include <sstream>
#include <utility>

#include "base/file.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/path.h"
#include "base/spawn.h"
#include "base/text.h"
#include "setup/docker_daemon.h"
#include "setup/engine.h"
#include "setup/systemd.h"
#include "setup/toml.h"

namespace oci_oauth {

namespace {

constexpr std::int64_t newest_version = 4;
constexpr auto dump_bound = std::chrono::seconds(20);
constexpr const char* shim = "io.containerd.runc.v2";

// The file that the unit names, or the default one.
std::string main_file_of(const Host& host) {
  constexpr OptionSpelling spellings[] = {{"--config", "--config"}, {"-c", "--config"}};
  const auto named = options_in(service_command(host, "containerd.service"), spellings);
  return named.empty() ? "/etc/containerd/config.toml" : named.front().value;
}

// The plugin that contains the runtimes, by version of the file. Version 4 (containerd 2.3) uses the same
// name as version 3.
constexpr std::string_view plugins[] = {"cri", "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime"};
std::string_view plugin_of(std::int64_t version) {
  return plugins[std::clamp<std::int64_t>(version, 1, std::size(plugins)) - 1];
}

struct File {
  Change change;     // to what it is without our part
  toml::table toml;  // of that
};

// The names in a directory of the tree that match a pattern with '*' in its last component.
std::vector<std::string> matching(const Tree& tree, const std::string& pattern) {
  if (pattern.find('*') == std::string::npos) return {pattern};
  const std::string directory = parent_directory(pattern);
  std::vector<std::string> paths;
  for (const std::string& name : tree.list(directory)) {
    if (::fnmatch(base_name(pattern).c_str(), name.c_str(), FNM_PERIOD) == 0)
      paths.push_back(fmt::format("{}/{}", directory, name));
  }
  return paths;
}

// The main file, even if there is none yet, and its imports, in the order in which containerd merges them.
Result<std::vector<File>> load_files(const Host& host) {
  std::vector<File> files;
  std::vector<std::string> pending = {main_file_of(host)};
  for (size_t i = 0; i < pending.size(); ++i) {
    auto change = TRY(plan_without_ours(host, pending[i], OwnedPart::toml_block));
    if (i > 0 && !change.without) continue;
    auto toml = TRY(parse_toml(change.without.value_or(""), change.shown));
    files.push_back({std::move(change), std::move(toml)});
    for (std::string listed : strings_in(std::as_const(files.back().toml)["imports"])) {
      if (!listed.starts_with('/')) listed.insert(0, parent_directory(pending[i]) + "/");
      for (std::string& path : matching(host.tree, listed)) {
        if (std::ranges::find(pending, path) == pending.end()) pending.push_back(std::move(path));
      }
    }
  }
  return files;
}

// A containerd other than the host's own, which generates its configuration from a template.
struct Embedded {
  const char *name, *directory, *templates;
};
constexpr Embedded embedded[] = {
    {"k3s", "/var/lib/rancher/k3s", "agent/etc/containerd"},
    {"RKE2", "/var/lib/rancher/rke2", "agent/etc/containerd"},
    {"microk8s", "/var/snap/microk8s/current", nullptr},
};

// k3s and RKE2 have a template for each version of the file; the version of the generated file says which
// one is in use.
std::string template_of(const Host& host, const Embedded& other) {
  if (other.templates == nullptr) return fmt::format("{}/args/containerd-template.toml", other.directory);
  const std::string path = fmt::format("{}/{}/config", other.directory, other.templates);
  const auto toml = parse_toml(host.tree.text_of(path + ".toml"), path);
  return path + (toml && (*toml)["version"].value_or(2) >= 3 ? "-v3.toml.tmpl" : ".toml.tmpl");
}

// Failure: the only containerd here does not read any file of ours.
Result<void> check_served(const Host& host, Plan& plan) {
  for (const Embedded& other : embedded) {
    if (!host.tree.exists(other.directory)) continue;
    const std::string said = fmt::format("{} runs its own containerd, which reads {}", other.name,
                                         host.tree.shown(template_of(host, other)));
    if (host.tree.find_program("containerd").empty()) {
      return Error{
          ErrorKind::failed, said,
          fmt::format("add the lines for {} to it, as shown in: man 8 oci-oauth-runtime", other.name)};
    }
    plan.notes.push_back(
        said + ": its pods can use the runtime only with the lines of oci-oauth-runtime(8) in that");
  }
  return {};
}

// Without its CRI plugin, nothing in containerd reads the table of runtimes.
Result<void> check_enabled(const std::vector<File>& files) {
  for (const auto& [change, toml] : files) {
    for (const std::string& plugin : strings_in(toml["disabled_plugins"])) {
      if (std::ranges::find(plugins, plugin) == std::end(plugins)) continue;
      return Error{ErrorKind::failed,
                   fmt::format("{}: disabled_plugins contains \"{}\", so nothing would read the runtime",
                               change.shown, plugin),
                   "remove it from disabled_plugins; for Docker: sudo oci-oauth install docker"};
    }
  }
  return {};
}

// Where the runtimes are, or will be: the last file with the plugin's table, because it replaces the earlier
// ones.
struct Place {
  const File* file;
  std::string_view plugin;
  bool states_version;  // otherwise ours must

  TomlView settings() const { return file->toml["plugins"][plugin]["containerd"]; }
  TomlView runtimes() const { return settings()["runtimes"]; }
};

Result<Place> find_place(const std::vector<File>& files) {
  const auto& [change, toml] = files.front();
  // A file without a version is read as version 1; if there is none at all, version 2 suits 1.x and 2.x.
  const std::int64_t version = toml.empty() ? 2 : toml["version"].value_exact<std::int64_t>().value_or(1);
  if (version < 1 || version > newest_version) {
    return Error{ErrorKind::failed, fmt::format("{}: unknown version {}", change.shown, version),
                 "add the runtime by hand, as shown in: man 8 oci-oauth-runtime"};
  }
  Place place = {&files.front(), plugin_of(version), !toml.empty()};
  for (const File& file : std::span(files).subspan(1)) {
    const auto its_version = file.toml["version"].value_exact<std::int64_t>();
    const std::string_view plugin = its_version ? plugin_of(*its_version) : place.plugin;
    if (file.toml["plugins"][plugin]) place = {&file, plugin, place.states_version};
  }
  return place;
}

// The handler whose settings ours copies: the default one if runc's shim runs it, otherwise runc's.
std::string inherited_handler(const Place& place) {
  const std::string name = place.settings()["default_runtime_name"].value_or("runc");
  const std::string type = place.runtimes()[name]["runtime_type"].value_or(shim);
  return name == runtime_name || type != shim ? "runc" : name;
}

// Our handler's table, and what else the file needs with it.
std::string block_for(const Place& place, const std::string& handler, const std::string& wrapper) {
  toml::table runtimes, ours;
  if (const auto* inherited = place.runtimes()[handler].as_table()) ours = *inherited;
  ours.is_inline(false);
  for (const char* key : {"BinaryName", "runtime_engine"}) ours.erase(key);
  ours.insert_or_assign("runtime_type", shim);
  if (!ours["options"].is_table()) ours.insert_or_assign("options", toml::table());
  ours["options"].as_table()->insert_or_assign("BinaryName", wrapper);
  runtimes.insert(runtime_name, std::move(ours));
  // A table of runtimes replaces containerd's own, which contains runc, so a new table must define it.
  if (!place.runtimes()) runtimes.insert("runc", toml::table{{"runtime_type", shim}});
  toml::table file, plugin{{"containerd", toml::table{{"runtimes", std::move(runtimes)}}}};
  if (!place.states_version) file.insert("version", 2);
  file.insert("plugins", toml::table{{place.plugin, std::move(plugin)}});
  std::ostringstream text;
  text << toml::toml_formatter{file, toml::format_flags::indent_sub_tables} << '\n';
  return text.str();
}

// The program of the handler that ours copies, unless the wrapper runs it anyway.
std::string real_runtime(const Host& host, const Place& place, const std::string& handler) {
  std::string program = place.runtimes()[handler]["options"]["BinaryName"].value_or("");
  if (program.find('/') == std::string::npos) program = host.tree.find_program(program);
  return program == host.tree.find_program("runc") || is_wrapper(program) ? "" : program;
}

// The program of the runtime of our name, if there is one outside our part.
std::optional<std::string> others_program(const Place& place) {
  const TomlView runtime = place.runtimes()[runtime_name];
  return runtime ? std::optional<std::string>(runtime["options"]["BinaryName"].value_or("")) : std::nullopt;
}

// The shim records its runtime in a separate file and among its options.
bool is_run_by_wrapper(const Tree& tree, const std::string& bundle) {
  if (is_wrapper(tree.text_of(bundle + "/runtime"))) return true;
  const auto json = parse_json(tree.text_of(bundle + "/options.json"), bundle);
  return json && json->IsObject() && is_wrapper(json_string(*json, "binary_name").value_or(""));
}

void add_containers(const Tree& tree, const std::string& state_directory, std::set<std::string>& ids) {
  const std::string tasks = state_directory + "/io.containerd.runtime.v2.task";
  for (const std::string& space : tree.list(tasks)) {
    for (const std::string& id : tree.list(fmt::format("{}/{}", tasks, space))) {
      if (is_run_by_wrapper(tree, fmt::format("{}/{}/{}", tasks, space, id))) ids.insert(id.substr(0, 12));
    }
  }
}

}  // namespace

Result<Plan> plan_containerd(const Host& host, Default) {
  Plan plan;
  TRY(check_served(host, plan));
  const auto files = TRY(load_files(host));
  TRY(check_enabled(files));
  const Place place = TRY(find_place(files));
  Change change = place.file->change;
  if (const auto program = others_program(place)) {
    if (program == host.wrapper()) return plan;
    return Error{ErrorKind::failed,
                 fmt::format("{}: has a runtime 'oci-oauth' that runs another program", change.shown),
                 fmt::format("set its BinaryName to {}, or remove it", json_quoted(host.wrapper()))};
  }
  const std::string handler = inherited_handler(place);
  plan.real_runtime = real_runtime(host, place, handler);
  change.after = TRY(
      add_toml_block(change.without.value_or(""), change.shown, block_for(place, handler, host.wrapper())));
  plan.changes.push_back(std::move(change));
  return plan;
}

Result<Plan> plan_containerd_removal(const Host& host) {
  auto files = TRY(load_files(host));
  const Place place = TRY(find_place(files));
  if (is_wrapper(others_program(place).value_or(""))) {
    return Error{
        ErrorKind::failed,
        fmt::format("{}: has the runtime 'oci-oauth' outside our marked lines", place.file->change.shown),
        fmt::format("remove [plugins.{0}.containerd.runtimes.oci-oauth] and "
                    "[plugins.{0}.containerd.runtimes.oci-oauth.options] from it",
                    json_quoted(place.plugin))};
  }
  Plan plan;
  for (File& file : files) plan.changes.push_back(std::move(file.change));
  return plan;
}

Result<void> check_containerd(const Host&, const std::optional<std::string>& text) {
  const auto file = TRY(MemoryFile::holding(text.value_or("")));
  const auto dump =
      TRY(run_command({"containerd", "--config", file.path(), "config", "dump"}, dump_bound, {file.fd()}));
  if (dump.status == 0) return {};
  return Error{ErrorKind::failed, fmt::format("containerd config dump: {}", first_line(dump.err))};
}

// Those of containerd itself, of k3s and RKE2, and of the one that dockerd starts if there is no other.
std::vector<std::string> containers_run_by_wrapper(const Host& host) {
  const DockerDaemon docker = find_docker(host);
  std::set<std::string> ids;
  add_containers(host.tree, "/run/containerd", ids);
  add_containers(host.tree, "/run/k3s/containerd", ids);
  add_containers(docker.tree(host), docker.flag("--exec-root").value_or("/run/docker") + "/containerd/daemon",
                 ids);
  return {ids.begin(), ids.end()};
}

}  // namespace oci_oauth
