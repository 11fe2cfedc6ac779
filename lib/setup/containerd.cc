// SPDX-License-Identifier: Apache-2.0
// containerd: the wrapper as a runtime of its CRI plugin, for a Kubernetes RuntimeClass.
#include <fnmatch.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <span>

#include "base/command_output.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/memory_file.h"
#include "base/path.h"
#include "base/text.h"
#include "setup/docker_daemon.h"
#include "setup/engine.h"
#include "setup/service_command.h"
#include "setup/toml.h"

namespace oci_oauth {

namespace {

constexpr std::int64_t newest_version = 4;
constexpr auto dump_bound = std::chrono::seconds(20);
constexpr const char* shim = "io.containerd.runc.v2";

// The file that the unit names, or the default one.
std::string main_file_of(const Host& host) {
  const std::vector<ServiceWord> words = service_command(host, "containerd.service");
  for (size_t i = 1; i < words.size(); ++i) {
    for (const std::string_view option : {"--config", "-c"}) {
      if (auto file = option_value(words, i, option)) return *file;
    }
  }
  return "/etc/containerd/config.toml";
}

// The plugin that contains the runtimes, by version of the file. Version 4 (containerd 2.3) uses the same
// name as version 3.
std::string plugin_of(std::int64_t version) {
  if (version <= 1) return "cri";
  return version == 2 ? "io.containerd.grpc.v1.cri" : "io.containerd.cri.v1.runtime";
}

struct File {
  Change change;  // to what it is without our part
  Toml toml;      // of that
};

// The names in a directory of the tree that match a pattern with '*' in its last component.
std::vector<std::string> matching(const Tree& tree, const std::string& pattern) {
  if (pattern.find('*') == std::string::npos) return {pattern};
  const std::string directory = parent_directory(pattern);
  const std::string wanted = base_name(pattern);
  std::vector<std::string> paths;
  for (const std::string& name : tree.list(directory)) {
    if (::fnmatch(wanted.c_str(), name.c_str(), FNM_PERIOD) == 0)
      paths.push_back(fmt::format("{}/{}", directory, name));
  }
  return paths;
}

std::vector<std::string> imports_of(const Tree& tree, const File& file) {
  std::vector<std::string> paths;
  for (const std::string& listed : file.toml.list({"imports"}).value_or(Toml::List()).strings) {
    const std::string pattern =
        listed.starts_with('/') ? listed : parent_directory(file.change.path) + "/" + listed;
    for (std::string& path : matching(tree, pattern)) paths.push_back(std::move(path));
  }
  return paths;
}

// The main file, even if there is none yet, and its imports, in the order in which containerd merges them.
Result<std::vector<File>> load_files(const Host& host, const Ledger& ledger) {
  std::vector<File> files;
  std::vector<std::string> pending = {main_file_of(host)};
  for (size_t i = 0; i < pending.size(); ++i) {
    auto change = TRY(plan_without_ours(host.tree, ledger, pending[i], OwnedPart::toml_block));
    if (i > 0 && !change.without) continue;
    auto toml = TRY(Toml::parse(change.without.value_or(""), host.tree.shown(pending[i])));
    files.push_back({std::move(change), std::move(toml)});
    for (std::string& path : imports_of(host.tree, files.back())) {
      if (std::ranges::find(pending, path) == pending.end()) pending.push_back(std::move(path));
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
  const auto toml = Toml::parse(host.tree.text_of(path + ".toml"), path);
  const bool is_newer = toml && toml->integer({"version"}).value_or(2) >= 3;
  return path + (is_newer ? "-v3.toml.tmpl" : ".toml.tmpl");
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
Result<void> check_enabled(const Host& host, const std::vector<File>& files) {
  for (const File& file : files) {
    for (const std::string& plugin : file.toml.list({"disabled_plugins"}).value_or(Toml::List()).strings) {
      if (plugin != "cri" && plugin != "io.containerd.grpc.v1.cri" &&
          plugin != "io.containerd.cri.v1.runtime")
        continue;
      return Error{ErrorKind::failed,
                   fmt::format("{}: disabled_plugins contains \"{}\", so nothing would read the runtime",
                               host.tree.shown(file.change.path), plugin),
                   "remove it from disabled_plugins; for Docker: sudo oci-oauth install docker"};
    }
  }
  return {};
}

// Where the runtimes are, or will be: the last file with the plugin's table, because it replaces the earlier
// ones.
struct Place {
  File file;
  TomlPath runtimes;
  std::string table;    // the header of `runtimes`
  bool states_version;  // otherwise ours must
};

Result<Place> find_place(const Host& host, const std::vector<File>& files) {
  const File* place = &files.front();
  // A file without a version is read as version 1; if there is none at all, version 2 suits 1.x and 2.x.
  const bool states_version = !place->toml.members({}).empty();
  std::int64_t version = states_version ? place->toml.integer({"version"}).value_or(1) : 2;
  if (version < 1 || version > newest_version) {
    return Error{ErrorKind::failed,
                 fmt::format("{}: unknown version {}", host.tree.shown(place->change.path), version),
                 "add the runtime by hand, as shown in: man 8 oci-oauth-runtime"};
  }
  for (const File& file : std::span(files).subspan(1)) {
    const std::int64_t its_version = file.toml.integer({"version"}).value_or(version);
    if (!file.toml.has({"plugins", plugin_of(its_version)})) continue;
    place = &file;
    version = its_version;
  }
  const std::string plugin = plugin_of(version);
  return Place{*place,
               {"plugins", plugin, "containerd", "runtimes"},
               fmt::format("plugins.{}.containerd.runtimes", toml_quoted(plugin)),
               states_version};
}

TomlPath below(TomlPath path, std::initializer_list<std::string> keys) {
  path.insert(path.end(), keys.begin(), keys.end());
  return path;
}

// The handler whose settings ours copies: the default one if runc's shim runs it, otherwise runc's.
std::string inherited_handler(const Place& place) {
  TomlPath containerd = place.runtimes;
  containerd.back() = "default_runtime_name";
  const std::string name = place.file.toml.string(containerd).value_or("runc");
  const std::string type =
      place.file.toml.string(below(place.runtimes, {name, "runtime_type"})).value_or(shim);
  return name == "oci-oauth" || type != shim ? "runc" : name;
}

// A key as people write it: bare if TOML allows that.
std::string key_of(const std::string& name) {
  const bool is_bare = !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
  return is_bare ? name : toml_quoted(name);
}

// The lines of a handler's table and its subtables; its program is the wrapper.
std::string table_lines(const Toml& toml, const TomlPath& path, const std::string& header,
                        const std::string& wrapper) {
  std::string lines = fmt::format("[{}]\n", header);
  std::vector<std::string> tables;
  for (const auto& [key, value] : toml.members(path)) {
    if (value.empty()) {
      tables.push_back(key);
    } else if (key != "BinaryName" && key != "runtime_engine" && key != "runtime_type") {
      lines += fmt::format("  {} = {}\n", key_of(key), value);
    }
  }
  if (path.back() == "options") return lines + fmt::format("  BinaryName = {}\n", toml_quoted(wrapper));
  lines += fmt::format("  runtime_type = \"{}\"\n", shim);
  if (std::ranges::find(tables, "options") == tables.end()) tables.emplace_back("options");
  for (const std::string& name : tables)
    lines += table_lines(toml, below(path, {name}), fmt::format("{}.{}", header, key_of(name)), wrapper);
  return lines;
}

// The program of the handler that ours copies, unless the wrapper runs it anyway.
std::string real_runtime(const Host& host, const Place& place, const std::string& handler) {
  std::string program =
      place.file.toml.string(below(place.runtimes, {handler, "options", "BinaryName"})).value_or("");
  if (program.find('/') == std::string::npos) program = host.tree.find_program(program);
  return program == host.tree.find_program("runc") || is_wrapper(program) ? "" : program;
}

// The program of the runtime of our name, if there is one outside our part.
std::optional<std::string> others_program(const Place& place) {
  if (!place.file.toml.has(below(place.runtimes, {"oci-oauth"}))) return std::nullopt;
  return place.file.toml.string(below(place.runtimes, {"oci-oauth", "options", "BinaryName"})).value_or("");
}

constexpr const char* tasks = "io.containerd.runtime.v2.task";

// The shim records its runtime in a separate file and among its options.
bool is_run_by_wrapper(const Tree& tree, const std::string& bundle) {
  if (is_wrapper(tree.text_of(bundle + "/runtime"))) return true;
  const auto json = parse_json(tree.text_of(bundle + "/options.json"), bundle);
  return json && json->IsObject() && is_wrapper(json_string(*json, "binary_name").value_or(""));
}

void add_containers(const Tree& tree, const std::string& state_directory, std::set<std::string>& ids) {
  const std::string root = fmt::format("{}/{}", state_directory, tasks);
  for (const std::string& space : tree.list(root)) {
    for (const std::string& id : tree.list(fmt::format("{}/{}", root, space))) {
      if (is_run_by_wrapper(tree, fmt::format("{}/{}/{}", root, space, id))) ids.insert(id.substr(0, 12));
    }
  }
}

}  // namespace

Result<Plan> plan_containerd(const Host& host, const Ledger& ledger, Default) {
  Plan plan;
  TRY(check_served(host, plan));
  const auto files = TRY(load_files(host, ledger));
  TRY(check_enabled(host, files));
  auto place = TRY(find_place(host, files));
  const std::string shown = host.tree.shown(place.file.change.path);
  if (const auto program = others_program(place)) {
    if (program == host.wrapper()) return plan;
    return Error{ErrorKind::failed,
                 fmt::format("{}: has a runtime 'oci-oauth' that runs another program", shown),
                 fmt::format("set its BinaryName to {}, or remove it", toml_quoted(host.wrapper()))};
  }
  const std::string handler = inherited_handler(place);
  plan.real_runtime = real_runtime(host, place, handler);
  std::string lines = place.states_version ? "" : "version = 2\n";
  // A table of runtimes replaces containerd's own, which contains runc, so a new table must define it.
  if (!place.file.toml.has(place.runtimes))
    lines += fmt::format("[{}.runc]\n  runtime_type = \"{}\"\n", place.table, shim);
  lines += table_lines(place.file.toml, below(place.runtimes, {handler}), place.table + ".oci-oauth",
                       host.wrapper());
  Change& change = plan.changes.emplace_back(std::move(place.file.change));
  change.after = TRY(add_toml_block(change.without.value_or(""), shown, lines));
  return plan;
}

Result<Plan> plan_containerd_removal(const Host& host, const Ledger& ledger) {
  auto files = TRY(load_files(host, ledger));
  const auto place = TRY(find_place(host, files));
  if (is_wrapper(others_program(place).value_or(""))) {
    return Error{ErrorKind::failed,
                 fmt::format("{}: has the runtime 'oci-oauth' outside our marked lines",
                             host.tree.shown(place.file.change.path)),
                 fmt::format("remove [{0}.oci-oauth] and [{0}.oci-oauth.options] from it", place.table)};
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
  const auto seen = tree_of(docker);
  std::set<std::string> ids;
  add_containers(host.tree, "/run/containerd", ids);
  add_containers(host.tree, "/run/k3s/containerd", ids);
  add_containers(seen ? *seen : host.tree,
                 docker.flag("--exec-root").value_or("/run/docker") + "/containerd/daemon", ids);
  return {ids.begin(), ids.end()};
}

}  // namespace oci_oauth
