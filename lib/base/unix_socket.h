// SPDX-License-Identifier: Apache-2.0
// Unix sockets, unix(7): connections whatever the length of their path, and messages with open descriptors.
#pragma once

#include <sys/un.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace oci_oauth {

// The address of a socket in a file: below a directory descriptor it is reached through /proc/self/fd,
// because an address has room for 107 bytes. Failure: ENAMETOOLONG.
Result<sockaddr_un> unix_address(const FileAt& file);

enum class Blocking { no, yes };

// A connection to the stream socket at `file`. Failure: "SHOWN: reason", also if too many clients are waiting
// there and the connection does not block.
Result<UniqueFd> connect_unix(const FileAt& file, Blocking blocking = Blocking::no);

// A listening socket that does not block, for its owner and root alone; it replaces one that was left there.
// Failure: "PATH: reason".
Result<UniqueFd> listen_unix(const std::string& path);

// Who is at the other end: SO_PEERCRED. nullopt if the kernel does not say.
std::optional<uid_t> peer_uid(int socket);
// Root, or this process's own user.
bool is_peer_trusted(int socket);

// A text with open descriptors, from one process to another: SCM_RIGHTS.
struct DescriptorMessage {
  std::string text;
  std::vector<UniqueFd> descriptors;  // closed on exec
};

// Sends all of it in one message, without the descriptors that are -1. Failure: names the call.
Result<void> send_message(int socket, std::string_view text, std::initializer_list<int> descriptors);

// Receives one message of at most 4 KiB and 4 descriptors. Result: an empty text at the end of the stream.
// Failure: names the call; a message that is longer.
Result<DescriptorMessage> receive_message(int socket);

}  // namespace oci_oauth
