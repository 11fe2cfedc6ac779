// SPDX-License-Identifier: Apache-2.0
// containerd: the wrapper as a runtime of its CRI plugin, for a RuntimeClass of Kubernetes to choose.
#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>

#include "base/path.h"
#include "setup/plan.h"
#include "setup/toml.h"

namespace oci_oauth {

namespace {

constexpr const char* main_file = "/etc/containerd/config.toml";
constexpr std::int64_t newest_version = 4;

// The plugin that holds the runtimes, by version of the file. Version 4 (containerd 2.3) names it as version
// 3 does.
std::string plugin_of(std::int64_t version) {
  if (version <= 1) return "cri";
  return version == 2 ? "io.containerd.grpc.v1.cri" : "io.containerd.cri.v1.runtime";
}

struct File {
  std::string path;
  std::string text;
  Toml toml;
};

// Names in a directory of the tree that fit a pattern with '*' in its last component.
std::vector<std::string> matching(const Tree& tree, const std::string& pattern) {
  if (pattern.find('*') == std::string::npos) return {pattern};
  const std::string directory = parent_directory(pattern);
  const std::string wanted = pattern.substr(pattern.rfind('/') + 1);
  std::vector<std::string> paths;
  for (const std::string& name : tree.list(directory)) {
    if (::fnmatch(wanted.c_str(), name.c_str(), FNM_PERIOD) == 0)
      paths.push_back(fmt::format("{}/{}", directory, name));
  }
  return paths;
}

std::vector<std::string> imports_of(const Tree& tree, const File& file) {
  std::vector<std::string> paths;
  for (const std::string& listed : file.toml.strings({"imports"}).value_or(std::vector<std::string>())) {
    const std::string pattern = listed.starts_with('/') ? listed : parent_directory(file.path) + "/" + listed;
    for (std::string& path : matching(tree, pattern)) paths.push_back(std::move(path));
  }
  return paths;
}

// The main file and what it imports, in the order in which containerd merges them, without what is ours. No
// file at all: none.
Result<std::vector<File>> load_files(const Site& site, const Ledger& ledger) {
  std::vector<File> files;
  std::vector<std::string> pending = {main_file};
  for (size_t i = 0; i < pending.size(); ++i) {
    auto text = read_without_ours(site.tree, ledger, pending[i]);
    if (!text) return std::move(text).error();
    if (!*text) continue;
    std::string base = remove_toml_block(**text);
    auto toml = Toml::parse(base, site.tree.shown(pending[i]));
    if (!toml) return std::move(toml).error();
    files.push_back({pending[i], std::move(base), std::move(*toml)});
    for (std::string& path : imports_of(site.tree, files.back())) {
      if (std::find(pending.begin(), pending.end(), path) == pending.end())
        pending.push_back(std::move(path));
    }
  }
  return files;
}

std::string block_for(const std::string& runtimes, const std::string& wrapper) {
  return fmt::format(
      "[{0}.oci-oauth]\n  runtime_type = \"io.containerd.runc.v2\"\n  [{0}.oci-oauth.options]\n    "
      "BinaryName = {1}\n",
      runtimes, toml_quoted(wrapper));
}

// A table of runtimes takes the place of containerd's own, which has runc: who makes the table must name it.
std::string runc_for(const std::string& runtimes) {
  return fmt::format("[{}.runc]\n  runtime_type = \"io.containerd.runc.v2\"\n", runtimes);
}

}  // namespace

Result<Plan> plan_containerd(const Site& site, const Ledger& ledger, Default) {
  auto files = load_files(site, ledger);
  if (!files) return std::move(files).error();
  std::string target = main_file;
  std::string text;
  // A file without a version is read as version 1; where there is nothing at all, version 2 suits 1.x
  // and 2.x.
  std::int64_t version = 2;
  bool states_version = false;
  if (!files->empty() && files->front().path == main_file && !files->front().toml.empty()) {
    version = files->front().toml.integer({"version"}).value_or(1);
    states_version = true;
  }
  if (version < 1 || version > newest_version) {
    return Error{ErrorKind::failed,
                 fmt::format("{}: version {} is not known here", site.tree.shown(main_file), version),
                 "add the runtime by hand, as docs/engines.md shows it"};
  }
  // A plugin's table in a file that is merged later takes the place of those before it: ours must go there.
  for (const File& file : *files) {
    const std::int64_t its_version = file.toml.integer({"version"}).value_or(version);
    if (file.path != main_file && !file.toml.has({"plugins", plugin_of(its_version)})) continue;
    target = file.path;
    text = file.text;
    if (file.path != main_file) version = its_version;
  }
  const TomlPath runtimes = {"plugins", plugin_of(version), "containerd", "runtimes"};
  const auto parsed = Toml::parse(text, site.tree.shown(target));
  if (!parsed) return parsed.error();
  Plan plan;
  const auto below = [&](std::initializer_list<const char*> keys) {
    TomlPath path = runtimes;
    path.insert(path.end(), keys.begin(), keys.end());
    return path;
  };
  if (parsed->has(below({"oci-oauth"}))) {
    if (parsed->string(below({"oci-oauth", "options", "BinaryName"})) == site.wrapper()) return plan;
    return Error{
        ErrorKind::failed,
        fmt::format("{}: has a runtime 'oci-oauth' that runs another program", site.tree.shown(target)),
        fmt::format("set its BinaryName to {}, or remove it", toml_quoted(site.wrapper()))};
  }
  const std::string table = fmt::format("plugins.{}.containerd.runtimes", toml_quoted(plugin_of(version)));
  std::string lines = states_version ? "" : "version = 2\n";
  if (!parsed->has(runtimes)) lines += runc_for(table);
  plan.files.push_back(
      {.path = target, .share = Share::toml_block, .text = lines + block_for(table, site.wrapper())});
  return plan;
}

}  // namespace oci_oauth
