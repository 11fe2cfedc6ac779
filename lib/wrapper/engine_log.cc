// SPDX-License-Identifier: Apache-2.0
#include "wrapper/engine_log.h"

#include "base/file.h"
#include "base/fmt.h"
#include "base/json.h"

namespace oci_oauth {

std::string engine_log_line(const RuntimeCall& call, std::string_view message, Time time) {
  if (!call.log_is_json)
    return fmt::format("time=\"{}\" level=error msg={}\n", rfc3339(time),
                       write_json(to_json(message)).reveal());
  const JsonValue line = json_object({{"level", "error"}, {"msg", message}, {"time", rfc3339(time)}});
  return fmt::format("{}\n", write_json(line).reveal());
}

void write_engine_log(const RuntimeCall& call, std::string_view message) {
  if (call.log.empty()) return;
  const auto file = open_file({.path = call.log}, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (file) (void)write_all(file->get(), engine_log_line(call, message, now()), call.log);
}

}  // namespace oci_oauth
