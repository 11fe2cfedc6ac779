// SPDX-License-Identifier: Apache-2.0
// Waits for descriptors until a point in time.
#pragma once

#include <poll.h>

#include <span>

#include "base/time.h"

namespace oci_oauth {

// What poll(2) takes to wait for input or the end of a stream; of a pidfd, for the end of the process.
pollfd readable(int fd);

// poll(2) until one of `any`, whose revents are set, is readable, through signals. Result: false if
// `deadline` came first. SteadyTime::max() is no deadline.
bool wait_readable(std::span<pollfd> any, SteadyTime deadline);
bool wait_readable(int fd, SteadyTime deadline);

// The same without waiting.
bool is_readable(int fd);

}  // namespace oci_oauth
