// SPDX-License-Identifier: Apache-2.0
#include "hook/hook_call.h"

#include "base/process.h"
#include "config/provider.h"
#include "delivery/consent.h"
#include "oci/spec_edit.h"
#include "program/installed_programs.h"

namespace oci_oauth {

namespace {

constexpr std::string_view source = "config.json";

Result<std::string> with_environment(const std::string& text, const Config& config,
                                     const std::vector<std::string>& profiles, const Log& log) {
  const auto spec = TRY(parse_spec(text, source));
  const Choice choice = choose(config, {.by_argument = profiles}, spec);
  if (choice.chosen.empty()) return text;
  auto prefix = TRY(installation_prefix(levels_of_hook));
  const std::vector<std::string> environment =
      environment_of(places_of(choice.chosen), provider_directories(prefix), log);
  return edit_spec(text, source, {.environment = environment});
}

}  // namespace

std::string precreate(const std::string& text, const Config& config, const std::vector<std::string>& profiles,
                      const Log& log) {
  auto edited = with_environment(text, config, profiles, log);
  if (edited) return std::move(*edited);
  log.write(Priority::warning, std::move(edited).error().in("a container's environment was not changed"));
  return text;
}

}  // namespace oci_oauth
