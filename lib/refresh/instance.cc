// SPDX-License-Identifier: Apache-2.0
#include "refresh/instance.h"

#include "config/provider.h"
#include "config/scope.h"

namespace oci_oauth {

Result<Instance> Instance::open(const std::string& config) {
  auto programs = TRY(InstalledPrograms::find());
  auto opened = TRY(open_configuration(config));
  auto runtime = TRY(RuntimeDir::open(opened.runtime_dir));
  return Instance{std::move(programs), std::move(opened), std::move(runtime)};
}

Refresher Instance::refresher(const std::string& exchange_socket) const {
  return {runtime,
          provider_directories(programs.prefix),
          {programs.helper("oci-oauth-exchange"), exchange_socket},
          config.fleet ? &*config.fleet : nullptr};
}

}  // namespace oci_oauth
