// SPDX-License-Identifier: Apache-2.0
// Where the engine reads a runtime's error message: the file of the runtime's option --log.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "wrapper/runtime_call.h"

namespace oci_oauth {

// One line, as runc and crun write it in the format of `call`, with its newline.
std::string engine_log_line(const RuntimeCall& call, std::string_view message, Time time);

// Adds that line for an error; does nothing for a call without --log or if the file cannot be written.
void write_engine_log(const RuntimeCall& call, std::string_view message);

}  // namespace oci_oauth
