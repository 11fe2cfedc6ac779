// SPDX-License-Identifier: Apache-2.0
// Docker: the wrapper as a runtime in daemon.json, dockerd(8). Docker records the runtime's name in each
// container, and does not start one whose runtime it does not know; dockerd itself does not start with an
// invalid file.

#include <algorithm>
#include <span>

#include "base/fmt.h"
#include "base/json_edit.h"
#include "config/config.h"
#include "program/hint.h"
#include "setup/docker_daemon.h"
#include "setup/engine.h"

namespace oci_oauth {

namespace {

constexpr size_t shown_containers = 5;

// What the wrapper must run so that containers still have the previous default runtime.
Result<std::string> real_runtime(const Tree& tree, const DockerSettings& settings,
                                 const std::string& source) {
  const std::string& name = settings.default_runtime;
  if (name.empty() || name == "runc") return std::string();
  const auto entry = settings.runtimes.find(name);
  std::string path = entry == settings.runtimes.end() ? "" : entry->second.path;
  if (path.find('/') == std::string::npos) path = tree.find_program(path);  // as Docker would find it
  if (!path.starts_with('/')) {
    return Error{
        ErrorKind::failed,
        fmt::format("{}: default-runtime '{}' is not a program that the wrapper can run", source, name),
        "without --default: oci-oauth install docker"};
  }
  if (!entry->second.arguments.empty()) {
    return Error{ErrorKind::failed,
                 fmt::format("{}: default-runtime '{}' has runtimeArgs, which the wrapper does not pass on",
                             source, name),
                 fmt::format("replace {} by a script that adds them", path)};
  }
  return path;
}

// The runtime that the wrapper runs, for containers that have to do without the wrapper.
std::string runtime_behind_wrapper(const Host& host) {
  const auto config = parse_config(host.tree.text_of(host.config), host.config);
  if (config && !config->runtime.empty()) return config->runtime;
  for (const char* name : {"runc", "crun"}) {
    if (std::string path = host.tree.find_program(name); !path.empty()) return path;
  }
  return "runc";
}

// A daemon in a snap sees none of the host's programs, and only its own file.
Result<void> check_served(const Host& host, const DockerDaemon& daemon) {
  if (host.scope == Scope::user && !has_rootless_docker(host)) {
    return Error{ErrorKind::usage,
                 "docker: only root can set up the system-wide Docker, and you have no rootless one",
                 "sudo $0"};
  }
  const bool runs_in_snap = daemon.config_file.starts_with("/var/snap/");
  const bool only_snap = host.scope == Scope::system && host.tree.exists("/var/snap/docker") &&
                         host.tree.find_program("dockerd").empty();
  if (!runs_in_snap && !only_snap) return {};
  return Error{ErrorKind::failed,
               fmt::format("Docker is a snap here, which reads {} and cannot run programs of this host",
                           runs_in_snap ? daemon.config_file : "/var/snap/docker/current/config/daemon.json"),
               "sudo snap remove docker && sudo apt-get install docker.io"};
}

// dockerd refuses to start if a setting is both an option and in the file.
Result<void> check_flags(const DockerDaemon& daemon, bool sets_default) {
  for (const ServiceOption& flag : daemon.flags) {
    const bool adds = flag.name == "--add-runtime";
    if (!adds && !(sets_default && flag.name == "--default-runtime")) continue;
    const char* key = adds ? "runtimes" : "default-runtime";
    return Error{ErrorKind::failed,
                 fmt::format("{}: starts dockerd with {}={}, and dockerd refuses \"{}\" in {} as well",
                             flag.place, flag.name, flag.value, key, daemon.config_file),
                 fmt::format("move that option's value into {} as \"{}\"{}", daemon.config_file, key,
                             flag.place.starts_with('/') ? ": systemctl edit docker.service"
                                                         : ", and start dockerd without the option")};
  }
  return {};
}

const JsonPath runtime_path = {"runtimes", "oci-oauth"}, default_path = {"default-runtime"};

// Ours whoever wrote or changed them: the runtime of our name, and a default that names it. Objects that this
// leaves empty are removed too.
Result<std::string> remove_our_members(const std::string& text, const std::string& source) {
  const auto remove_ours = [](JsonValue& document) {
    if (json_string(document, "default-runtime") == runtime_name) remove_json_at(document, default_path);
    if (json_at(document, runtime_path) == nullptr) return;
    remove_json_at(document, runtime_path);
    if (json_member(document, "runtimes")->ObjectEmpty()) remove_json_at(document, {"runtimes"});
  };
  return std::string(TRY(edit_json(text, source, remove_ours)).reveal());
}

struct DaemonFile {
  DockerDaemon daemon;  // which reads it
  Change change;        // to what it is without our part
  DockerSettings now = {}, without_ours = {};

  // The program of the runtime with our name; nullopt if there is none.
  std::optional<std::string> program() const {
    const auto entry = now.runtimes.find(runtime_name);
    return entry == now.runtimes.end() ? std::nullopt : std::optional(entry->second.path);
  }
};

Result<DaemonFile> read_daemon_file(const Host& host, DockerDaemon daemon) {
  auto change = TRY(plan_without_ours(host, daemon.config_file, OwnedPart::json_members, remove_our_members));
  auto now = TRY(read_record<DockerSettings>(json_of(change.before), change.shown));
  auto without_ours = TRY(read_record<DockerSettings>(json_of(change.without), change.shown));
  return DaemonFile{std::move(daemon), std::move(change), std::move(now), std::move(without_ours)};
}

// The program of a runtime of our name that is neither the wrapper nor what an uninstall leaves for
// containers that have recorded the name; nullopt if there is none.
std::optional<std::string> others_program(const Host& host, const DaemonFile& file) {
  auto program = file.program();
  const bool is_ours = !program || is_wrapper(*program) || *program == "runc" ||
                       *program == runtime_behind_wrapper(host) || program->ends_with("/runc") ||
                       program->ends_with("/crun");
  return is_ours ? std::nullopt : std::move(program);
}

std::string listed(const std::vector<std::string>& names) {
  const auto first = std::span(names).first(std::min(names.size(), shown_containers));
  return fmt::format("{} container{} ({}{})", names.size(), names.size() == 1 ? "" : "s",
                     fmt::join(first, ", "), names.size() > first.size() ? ", ..." : "");
}

std::vector<std::string> containers_of(const Host& host, const DaemonFile& file) {
  return containers_with_runtime(host, file.daemon, file.now, runtime_name);
}

// Whether the running daemon would still use our runtime as its default after a reload without a default in
// the file: it keeps the one that it has (20.10 panics then). Assumed of a daemon that does not answer.
bool keeps_our_default(const Host& host, const DockerDaemon& daemon) {
  if (!daemon.pid) return false;
  const auto runtimes = ask_docker(docker_socket(host, daemon));
  return !runtimes || runtimes->default_runtime == runtime_name;
}

// What an earlier uninstall left, if anything.
std::string withdrawn(const Host& host, const DaemonFile& file) {
  const auto program = file.program();
  if (!program || is_wrapper(*program)) return "";
  const auto users = containers_of(host, file);
  const std::string& shown = file.change.shown;
  if (!users.empty())
    return fmt::format("was uninstalled; {} keeps the runtime oci-oauth, as {}, for {}", shown, *program,
                       listed(users));
  return fmt::format(
      "was uninstalled; {} still has the runtime oci-oauth, as {}, which no container uses: {}", shown,
      *program, as_typed("oci-oauth uninstall docker"));
}

}  // namespace

Result<Plan> plan_docker(const Host& host, Default as_default) {
  DockerDaemon daemon = find_docker(host);
  TRY(check_served(host, daemon));
  auto file = TRY(read_daemon_file(host, std::move(daemon)));
  Change& change = file.change;
  if (const auto program = others_program(host, file)) {
    return Error{
        ErrorKind::failed,
        fmt::format("{}: has a runtime 'oci-oauth' that runs another program, {}", change.shown, *program),
        fmt::format("set its path to {}, or remove it", json_quoted(host.wrapper()))};
  }
  Plan plan = {.withdrawn = withdrawn(host, file)};
  const bool sets_default = as_default == Default::ours || file.now.default_runtime == runtime_name;
  if (sets_default) plan.real_runtime = TRY(real_runtime(host.tree, file.without_ours, change.shown));
  TRY(check_flags(file.daemon, sets_default));
  TRY(set_member(change, runtime_path, json_object({{"path", host.wrapper()}})));
  if (sets_default) TRY(set_member(change, default_path, to_json(runtime_name)));
  plan.changes.push_back(std::move(change));
  return plan;
}

Result<Plan> plan_docker_removal(const Host& host) {
  auto file = TRY(read_daemon_file(host, find_docker(host)));
  Change& change = file.change;
  Plan plan;
  if (others_program(host, file)) return plan;
  const auto users = file.program() ? containers_of(host, file) : std::vector<std::string>();
  if (!users.empty()) {
    const std::string real = runtime_behind_wrapper(host);
    TRY(set_member(change, runtime_path, json_object({{"path", real}})));
    plan.notes.push_back(fmt::format(
        "{}: keeps the runtime oci-oauth, as {}, for {}, which cannot start without it; once they are "
        "recreated or removed, '{}' removes it",
        change.shown, real, listed(users), as_typed("oci-oauth uninstall docker")));
  }
  const std::string& now = file.now.default_runtime;  // "runc" also if an earlier uninstall has left that
  const bool had_ours = file.without_ours.default_runtime.empty() && (now == runtime_name || now == "runc");
  if (had_ours && keeps_our_default(host, file.daemon)) {
    TRY(set_member(change, default_path, to_json("runc")));
    plan.notes.push_back(
        fmt::format("{}: keeps \"default-runtime\": \"runc\", because the running dockerd keeps its default "
                    "if the file names none; once it has reloaded the file, '{}' removes it",
                    change.shown, as_typed("oci-oauth uninstall docker")));
  }
  plan.changes.push_back(std::move(change));
  return plan;
}

Result<void> check_docker(const Host& host, const std::optional<std::string>& text) {
  return validate_daemon_json(host, find_docker(host), json_of(text));
}

}  // namespace oci_oauth
