// SPDX-License-Identifier: Apache-2.0
#include "setup/docker_daemon.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/path.h"
#include "base/service_manager.h"
#include "base/spawn.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr auto docker_bound = std::chrono::seconds(10);
constexpr size_t command_line_limit = 256 * KiB;

// Options with a value, as dockerd(8) spells them, and our names for them.
constexpr OptionSpelling known_flags[] = {
    {"--add-runtime", "--add-runtime"},
    {"--default-runtime", "--default-runtime"},
    {"--config-file", "--config-file"},
    {"--data-root", "--data-root"},
    {"--graph", "--data-root"},
    {"-g", "--data-root"},
    {"--exec-root", "--exec-root"},
    {"--host", "--host"},
    {"-H", "--host"},
};

std::string text_of(const std::string& path) {
  auto text = read_file({.path = path}, command_line_limit);
  return text ? std::move(*text) : "";
}

// The daemon of the host's own user, and not one in a container.
bool is_daemon(const std::string& process) {
  struct stat status;
  return text_of(process + "/comm") == "dockerd\n" && ::stat(process.c_str(), &status) == 0 &&
         status.st_uid == ::geteuid() &&
         is_same_file(file_id({.path = process + "/ns/pid"}), file_id({.path = "/proc/self/ns/pid"}));
}

std::optional<pid_t> running_daemon(const Host& host) {
  if (!host.tree.is_host()) return std::nullopt;
  for (const std::string& name : host.tree.list("/proc")) {
    const auto pid = number_in<pid_t>(name);
    if (pid && is_daemon("/proc/" + name)) return pid;
  }
  return std::nullopt;
}

std::vector<ServiceWord> command_of(pid_t pid) {
  std::vector<ServiceWord> words;
  const std::string text = text_of(fmt::format("/proc/{}/cmdline", pid));
  for (std::string_view rest = text; !rest.empty();)
    words.push_back({std::string(next_part(rest, '\0')), fmt::format("dockerd (pid {})", pid)});
  return words;
}

// If user namespaces are enabled for all containers, the directory depends on their ids: DATA_ROOT/UID.GID.
bool is_remapped_root(std::string_view name) {
  return name.find('.') != std::string_view::npos &&
         name.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::optional<JsonDocument> json_in(const Tree& tree, const std::string& path) {
  auto json = parse_json(tree.text_of(path), path);
  return json && json->IsObject() ? std::optional(std::move(*json)) : std::nullopt;
}

void add_containers(const Tree& tree, const std::string& directory, std::string_view runtime,
                    std::vector<std::string>& names) {
  for (const std::string& id : tree.list(directory)) {
    const auto host_config = json_in(tree, fmt::format("{}/{}/hostconfig.json", directory, id));
    if (!host_config || json_string(*host_config, "Runtime") != runtime) continue;
    const auto config = json_in(tree, fmt::format("{}/{}/config.v2.json", directory, id));
    const auto name = config ? json_string(*config, "Name") : std::nullopt;
    names.emplace_back(name && name->size() > 1 ? name->substr(1) : std::string_view(id).substr(0, 12));
  }
}

}  // namespace

std::optional<std::string> DockerDaemon::flag(std::string_view name) const {
  const auto found = std::find_if(flags.rbegin(), flags.rend(),
                                  [&](const ServiceOption& flag) { return flag.name == name; });
  return found == flags.rend() ? std::nullopt : std::optional<std::string>(found->value);
}

DockerDaemon find_docker(const Host& host) {
  DockerDaemon daemon = {.flags = options_in(service_command(host, "docker.service"), known_flags),
                         .config_file = {},
                         .pid = running_daemon(host)};
  if (daemon.pid) {
    std::ranges::move(options_in(command_of(*daemon.pid), known_flags), std::back_inserter(daemon.flags));
    if (auto tree = Tree::of_process(*daemon.pid)) daemon.seen = std::move(*tree);
  }
  const std::string usual = host.scope == Scope::system ? "/etc/docker" : host.config_home + "/docker";
  daemon.config_file = daemon.flag("--config-file").value_or(usual + "/daemon.json");
  return daemon;
}

bool has_rootless_docker(const Host& host) {
  return host.scope == Scope::user &&
         (!service_command(host, "docker.service").empty() || running_daemon(host).has_value());
}

std::vector<std::string> containers_with_runtime(const Host& host, const DockerDaemon& daemon,
                                                 const DockerSettings& settings, std::string_view runtime) {
  const Tree& tree = daemon.tree(host);
  const std::string usual = host.scope == Scope::system ? "/var/lib/docker" : host.data_home + "/docker";
  const std::string named = settings.data_root.empty() ? settings.graph : settings.data_root;
  const std::string root = daemon.flag("--data-root").value_or(named.empty() ? usual : named);
  std::vector<std::string> names;
  add_containers(tree, root + "/containers", runtime, names);
  for (const std::string& name : tree.list(root)) {
    if (is_remapped_root(name))
      add_containers(tree, fmt::format("{}/{}/containers", root, name), runtime, names);
  }
  std::ranges::sort(names);
  return names;
}

std::string docker_socket(const Host& host, const DockerDaemon& daemon) {
  for (const ServiceOption& flag : daemon.flags) {
    if (flag.name == "--host" && flag.value.starts_with("unix://")) return flag.value;
  }
  const std::string directory = host.scope == Scope::system ? "/var/run" : parent_directory(host.runtime_dir);
  return fmt::format("unix://{}/docker.sock", directory);
}

std::string start_docker_command() {
  if (is_systemd_running()) return "systemctl start docker";
  return ::geteuid() == 0 ? "service docker start" : "dockerd-rootless.sh";
}

Result<DockerRuntimes> ask_docker(const std::string& socket) {
  std::vector<std::string> command = {"docker"};
  if (!socket.empty()) command.insert(command.end(), {"--host", socket});
  constexpr const char* format = R"({"default": {{json .DefaultRuntime}}, "all": {{json .Runtimes}}})";
  command.insert(command.end(), {"info", "--format", format});
  const auto info = TRY(run_command(command, docker_bound));
  const auto json = parse_json(info.out, "docker info");
  const JsonValue* all = json && json->IsObject() ? json_member(*json, "all") : nullptr;
  if (info.status != 0 || all == nullptr || !all->IsObject())
    return Error{ErrorKind::failed, "docker info: the daemon does not answer", start_docker_command()};
  return DockerRuntimes{std::string(json_string(*json, "default").value_or("")),
                        json_member(*all, "oci-oauth") != nullptr};
}

Result<bool> docker_has_taken_up() {
  return TRY(ask_docker()).has_ours;
}

bool reload_docker(const Host& host) {
  const auto pid = find_docker(host).pid;
  return pid && ::kill(*pid, SIGHUP) == 0;
}

Result<void> validate_daemon_json(const Host& host, const DockerDaemon& daemon, std::string_view text) {
  const std::string program = host.tree.is_host() ? host.tree.find_program("dockerd") : "";
  const auto file = MemoryFile::holding(text);
  if (program.empty() || !file) return {};
  std::vector<std::string> command = {program, "--validate", "--config-file", file->path()};
  for (const ServiceOption& flag : daemon.flags) {
    if (flag.name == "--add-runtime" || flag.name == "--default-runtime")
      command.push_back(fmt::format("{}={}", flag.name, flag.value));
  }
  const auto output = run_command(command, docker_bound, {file->fd()});
  if (!output || output->status == 0 || output->err.find("unknown flag: --validate") != std::string::npos)
    return {};
  return Error{ErrorKind::failed, fmt::format("dockerd --validate: {}", first_line(output->err))};
}

}  // namespace oci_oauth
