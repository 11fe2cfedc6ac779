// SPDX-License-Identifier: Apache-2.0
// The CDI spec that makes each profile a device: --device oci-oauth.dev/profile=NAME (Container Device
// Interface, SPEC.md).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "delivery/hook_entry.h"

namespace oci_oauth {

constexpr std::string_view cdi_kind = "oci-oauth.dev/profile";

struct CdiDevice {
  std::string profile;
  std::vector<std::string> environment;  // "NAME=value", as environment_of(provider, target) makes it
};

// Result: the text of the spec, indented. Engines set a device's variables over the person's, so that a
// device with variables stands beside one without, NAME:no-env. The cdiVersion is the lowest that its fields
// need, because an engine refuses one that it does not know. Failure (configuration): a profile whose name
// CDI cannot have for a device's, and a spec without a device.
Result<std::string> cdi_spec(const std::vector<CdiDevice>& devices, const HookProgram& hook);

}  // namespace oci_oauth
