// SPDX-License-Identifier: Apache-2.0
// The CDI spec, a device for each profile.
#include <cctype>

#include "base/fmt.h"
#include "config/config.h"
#include "config/provider.h"
#include "setup/configuration.h"
#include "setup/engine.h"

namespace oci_oauth {

namespace {

// Before 0.5.0, a device's name started with a letter; env and hooks have existed since 0.3.0.
constexpr std::string_view lowest_version = "0.3.0";
constexpr std::string_view version_of_leading_digits = "0.5.0";

// Profile names consist of characters that CDI allows, but may end in a punctuation mark.
Result<void> check_name(std::string_view name) {
  const char last = name.empty() ? '.' : name.back();
  if (last != '.' && last != '_' && last != '-') return {};
  return Error{ErrorKind::configuration,
               fmt::format("profile '{}': is not a valid name for a CDI device", name),
               "choose a name that ends in a letter or a digit"};
}

JsonValue device_value(const std::string& name, const CdiDevice& device, const HookProgram& hook) {
  JsonValue edits = json_object(), hooks = json_array();
  if (!device.environment.empty()) json_set(edits, "env", device.environment);
  for (const std::string_view stage : {"createRuntime", "poststop"}) {
    JsonValue entry = hook_entry(hook, stage, {device.profile});
    json_set(entry, "hookName", stage);
    json_append(hooks, std::move(entry));
  }
  json_set(edits, "hooks", std::move(hooks));
  return json_object({{"name", name}, {"containerEdits", std::move(edits)}});
}

constexpr const char* spec_file = "/etc/cdi/oci-oauth.json";

}  // namespace

Result<std::string> cdi_spec(const std::vector<CdiDevice>& devices, const HookProgram& hook) {
  if (devices.empty()) {
    return Error{ErrorKind::configuration, "there is no profile for a CDI device",
                 "add one to \"profiles\" in the configuration"};
  }
  JsonValue list = json_array();
  std::string_view version = lowest_version;
  for (const CdiDevice& device : devices) {
    TRY(check_name(device.profile));
    if (std::isdigit(static_cast<unsigned char>(device.profile.front())) != 0)
      version = version_of_leading_digits;
    json_append(list, device_value(device.profile, device, hook));
    if (device.environment.empty()) continue;
    // A profile's name has no colon.
    json_append(list, device_value(device.profile + ":no-env", {device.profile, {}}, hook));
  }
  const JsonValue spec =
      json_object({{"cdiVersion", version}, {"kind", cdi_kind}, {"devices", std::move(list)}});
  return std::string(write_json(spec, JsonStyle::indented).reveal());
}

Result<Plan> plan_cdi(const Host& host, Default) {
  const auto config = TRY(configuration_of(host));
  std::vector<CdiDevice> devices;
  for (const Profile& profile : config.profiles) {
    if (!profile.delivered_by.empty()) continue;
    auto provider = load_provider(profile, provider_places(host));
    if (!provider)
      return std::move(provider).error().in(
          fmt::format("{}: profile '{}'", host.tree.shown(host.config), profile.name));
    devices.push_back({profile.name, environment_of(*provider, profile, profile.target)});
  }
  auto spec = TRY(cdi_spec(devices, {.path = host.hook()}));
  return Plan{.changes = {TRY(plan_whole_file(host, spec_file, std::move(spec)))}};
}

}  // namespace oci_oauth
