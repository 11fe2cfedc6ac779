// SPDX-License-Identifier: Apache-2.0
// CDI: a file that makes each profile a device, for every engine that reads /etc/cdi.
#include "setup/cdi.h"

#include "base/fmt.h"
#include "config/config.h"
#include "config/provider.h"
#include "setup/configuration.h"
#include "setup/plan.h"

namespace oci_oauth {

namespace {

constexpr const char* spec_file = "/etc/cdi/oci-oauth.json";

// The file as it will be, or as it is.
Result<Config> configuration_of(const Host& host) {
  const auto text = host.planned_configuration.empty() ? TRY(host.tree.read(host.config))
                                                       : std::optional(host.planned_configuration);
  return parse_config(text.value_or(R"({"profiles": {"claude": {"credentials": "/"}}})"),
                      host.tree.shown(host.config));
}

}  // namespace

Result<Plan> plan_cdi(const Host& host, const Ledger&, Default) {
  const auto config = TRY(configuration_of(host));
  std::vector<CdiDevice> devices;
  for (const Profile& profile : config.profiles) {
    const auto provider = load_provider(profile.provider, provider_places(host));
    if (!provider)
      return Error(provider.error())
          .in(fmt::format("{}: profile '{}'", host.tree.shown(host.config), profile.name));
    devices.push_back({profile.name, environment_of(*provider, profile.target)});
  }
  auto spec = TRY(cdi_spec(devices, {.path = host.hook()}));
  Plan plan;
  plan.files.push_back({.path = spec_file, .text = std::move(spec)});
  return plan;
}

}  // namespace oci_oauth
