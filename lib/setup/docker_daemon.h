// SPDX-License-Identifier: Apache-2.0
// The Docker daemon of a host as it is: how it is started, which file it reads, whether it runs, which
// containers it keeps. Asks the disk and /proc, so that a daemon that is stopped can be told about as well.
#pragma once

#include <sys/types.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "setup/host.h"

namespace oci_oauth {

// An option of dockerd's command line.
struct DaemonFlag {
  std::string name, value;  // "--data-root", "/srv/docker"
  std::string place;        // "/lib/systemd/system/docker.service", or "dockerd (pid 17)"
};

struct DockerDaemon {
  std::vector<DaemonFlag>
      flags;                // of the unit, then of the daemon that runs: those that are of interest here
  std::string config_file;  // daemon.json
  std::optional<pid_t> pid = {};  // where the daemon runs

  // The last value given; nullopt where the option is not there.
  std::optional<std::string> flag(std::string_view name) const;
};

// The daemon of the machine, or of the user. `config_file` is the default's where no option names another.
DockerDaemon find_docker(const Host& host);

// Whether this user has a daemon of their own: a unit for it, or one that runs.
bool has_rootless_docker(const Host& host);

// Where the daemon keeps its containers, by option, by daemon.json (`config`, JSON), or by default.
std::string docker_data_root(const Host& host, const DockerDaemon& daemon, std::string_view config);

// The names of the containers, running or not, that were created with the runtime `runtime`. Docker writes
// the name of the default runtime, too, into each container.
std::vector<std::string> containers_with_runtime(const Host& host, const std::string& data_root,
                                                 std::string_view runtime);

struct DockerRuntimes {
  std::string default_runtime;
  std::set<std::string> names;
};

// Where the daemon itself listens, as docker(1) takes it: a caller's DOCKER_HOST may name another machine.
std::string docker_socket(const Host& host, const DockerDaemon& daemon);

// What the daemon at `socket` says; at an empty one, that which docker(1) finds by itself. Failure: no
// answer.
Result<DockerRuntimes> ask_docker(const std::string& socket);

// dockerd's own verdict on a daemon.json (`--validate`, from 23.0 on), options of its command line included.
// nullopt: this dockerd has no such check. Failure (kind failed): its reason.
std::optional<Result<void>> validate_daemon_json(const Host& host, const DockerDaemon& daemon,
                                                 std::string_view text);

}  // namespace oci_oauth
