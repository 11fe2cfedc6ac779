// SPDX-License-Identifier: Apache-2.0
// The proxy as a whole: nginx as a child process, the relay in front of it, the desk where it gets the token,
// and the socket where containers' own sockets are handed over.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/child.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "base/unix_socket.h"
#include "base/wait.h"
#include "program/log.h"

namespace oci_oauth {

struct ProxyInstance {
  std::string directory;  // its own, with nginx.conf (nginx_configuration.h), for sockets and temporary files
  std::string control;  // the path of the socket where containers' sockets are handed over, unless inherited
  // Writes nginx.conf anew from what is in these directories; empty if somebody else does it.
  std::function<Result<void>()> prepare;
  std::vector<std::string> sources;
  // Where a rejected token is reported; empty: by a command, which ends with the name of the profile and has
  // the token as its input.
  std::string rejected_socket;
  std::vector<std::string> rejected_command;
};

// Starts nginx with nginx.conf, reloads it whenever that file or a source changes, and returns after SIGTERM
// or SIGINT. `inherited`: the listening socket and what containers handed over before a restart. Without it,
// the socket is made. Failure: no profile; what nginx says; a socket that cannot be made.
Result<void> run_proxy(const ProxyInstance& instance, std::vector<std::pair<std::string, UniqueFd>> inherited,
                       const Log& log);

}  // namespace oci_oauth
