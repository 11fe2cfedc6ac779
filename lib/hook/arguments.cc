// SPDX-License-Identifier: Apache-2.0
#include "hook/arguments.h"

#include <optional>

#include "base/fmt.h"

namespace oci_oauth {

namespace {

Error usage(std::string message) {
  return {ErrorKind::usage, std::move(message), std::string(hook_synopsis)};
}

std::optional<Stage> stage_of(std::string_view word) {
  if (word == "createRuntime" || word == "prestart") return Stage::create_runtime;
  if (word == "poststop") return Stage::poststop;
  if (word == "precreate") return Stage::precreate;
  return std::nullopt;
}

}  // namespace

Result<HookArguments> parse_hook_arguments(const std::vector<std::string_view>& words) {
  HookArguments arguments;
  size_t next = 0;
  for (; next < words.size() && (words[next] == "--config" || words[next] == "--profile"); next += 2) {
    if (next + 1 == words.size()) return usage(fmt::format("option '{}' needs a value", words[next]));
    if (words[next] == "--config") {
      arguments.config = words[next + 1];
    } else {
      arguments.profiles.emplace_back(words[next + 1]);
    }
  }
  if (next == words.size()) return usage("no stage given");
  const auto stage = stage_of(words[next]);
  if (!stage) {
    return usage(
        fmt::format("unknown {} '{}'", words[next].starts_with('-') ? "option" : "stage", words[next]));
  }
  if (next + 1 != words.size()) return usage(fmt::format("unknown argument '{}'", words[next + 1]));
  if (!arguments.config.empty() && !arguments.config.starts_with('/'))
    return usage(fmt::format("'{}' is not an absolute path", arguments.config));
  arguments.stage = *stage;
  return arguments;
}

}  // namespace oci_oauth
