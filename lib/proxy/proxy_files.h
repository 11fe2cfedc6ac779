// SPDX-License-Identifier: Apache-2.0
// What the proxy needs before it starts nginx: nginx's configuration and its own listening sockets.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"

namespace oci_oauth {

// Writes nginx.conf to `directory`, from the providers of the profiles with delivery "socket", unless the
// same is there. So the proxy itself needs no access to the configuration: under systemd, root does this for
// it. Failure: configuration; a provider without "api"; the file cannot be written.
Result<void> write_nginx_file(const Config& config, const std::string& prefix, const std::string& directory);

std::string nginx_file_in(const std::string& directory);  // empty if there is none

// A new listening socket that does not block, for its owner and root alone; it replaces one that was left
// there. Failure: "PATH: reason".
Result<UniqueFd> listen_at(const std::string& path);

}  // namespace oci_oauth
