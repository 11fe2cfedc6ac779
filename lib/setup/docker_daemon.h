// SPDX-License-Identifier: Apache-2.0
// The Docker daemon of a host: how it is started, which file it reads, whether it is running, which
// containers it has. Uses the disk and /proc, so that it works for a stopped daemon too.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/record.h"
#include "base/result.h"
#include "setup/host.h"
#include "setup/systemd.h"

namespace oci_oauth {

struct DockerDaemon {
  std::vector<ServiceOption> flags;  // those that matter here, from the unit and then from the running daemon
  std::string config_file;           // daemon.json
  std::optional<pid_t> pid = {};     // if the daemon is running
  // The files as the running daemon sees them, because rpm runs a package's scripts without /tmp and /home
  // (rpm-plugin-unshare(8)).
  std::optional<Tree> seen = {};

  // The last value; nullopt if the option is absent.
  std::optional<std::string> flag(std::string_view name) const;
  const Tree& tree(const Host& host) const { return seen ? *seen : host.tree; }
};

// The daemon of the machine, or of the user. `config_file` has its default if no option sets it.
DockerDaemon find_docker(const Host& host);

// Whether this user has a rootless daemon: a unit for it, or a running one.
bool has_rootless_docker(const Host& host);

// What we read of a daemon.json, dockerd(8).
struct DockerRuntime {
  std::string path = {};
  std::vector<std::string> arguments = {};
};
struct DockerSettings {
  std::map<std::string, DockerRuntime> runtimes = {};
  std::string default_runtime = {}, data_root = {}, graph = {};
};

void describe(auto& each, RecordOf<DockerRuntime> auto& runtime) {
  each("path", runtime.path);
  each("runtimeArgs", runtime.arguments);
}
void describe(auto& each, RecordOf<DockerSettings> auto& settings) {
  each("runtimes", settings.runtimes);
  each("default-runtime", settings.default_runtime);
  each("data-root", settings.data_root);
  each("graph", settings.graph);
}

// The names of the containers, running or not, that were created with `runtime`; they are where an option,
// daemon.json or the default has them. Docker also records the default runtime's name in each container.
std::vector<std::string> containers_with_runtime(const Host& host, const DockerDaemon& daemon,
                                                 const DockerSettings& settings, std::string_view runtime);

struct DockerRuntimes {
  std::string default_runtime;
  bool has_ours = false;
};

// The daemon's own socket, in the form that docker(1) takes: the caller's DOCKER_HOST may name another
// machine.
std::string docker_socket(const Host& host, const DockerDaemon& daemon);

// The command that starts the daemon of the calling user's system: systemd's, or without that an init
// script's.
std::string start_docker_command();

// What the daemon at `socket` says, or the one that docker(1) finds by itself if it is empty. Failure: no
// answer.
Result<DockerRuntimes> ask_docker(const std::string& socket = {});

// Whether the running daemon has read the registration. Failure: it does not answer.
Result<bool> docker_has_taken_up();

// Makes a running dockerd read its file again (SIGHUP, as systemctl reload does). False: none is running.
bool reload_docker(const Host& host);

// dockerd's own check of a daemon.json (`--validate`, 23.0 and later), including its command-line options.
// A success if this dockerd has no such check. Failure: its reason.
Result<void> validate_daemon_json(const Host& host, const DockerDaemon& daemon, std::string_view text);

}  // namespace oci_oauth
