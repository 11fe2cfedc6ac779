// SPDX-License-Identifier: Apache-2.0
// What systemd passes to a service: the listening socket that starts it and, if it was restarted, what it
// left in the file descriptor store (sd_listen_fds(3), FDSTORE=1 in sd_notify(3)).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace oci_oauth {

bool is_systemd_running();  // as the system's: sd_booted(3)

// Descriptors and their names, in the order of the environment, which is emptied.
std::vector<std::pair<std::string, UniqueFd>> inherited_descriptors();

bool is_listening(int fd);  // a socket on which connections can be accepted

// Each does nothing without a service manager. A descriptor whose name is not one that systemd takes (at most
// 255 ASCII characters without ":") is not stored.
void notify_ready();
void store_descriptor(std::string_view name, int fd);
void remove_descriptors(std::string_view name);

}  // namespace oci_oauth
