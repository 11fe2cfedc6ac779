// SPDX-License-Identifier: Apache-2.0
// A text with open descriptors, from one process to another over a Unix socket: SCM_RIGHTS, unix(7).
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace oci_oauth {

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
