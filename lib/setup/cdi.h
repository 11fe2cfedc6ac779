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
  std::vector<std::string> environment;  // "NAME=value", from environment_of(provider, profile, target)
};

// Result: the text of the spec, indented. A device's variables override a person's, so each device with
// variables has a counterpart without, NAME:no-env. The cdiVersion is the lowest one with the fields that are
// used, because engines refuse versions that they do not know. Failure (configuration): a profile whose name
// is not allowed for a CDI device, and a spec without devices.
Result<std::string> cdi_spec(const std::vector<CdiDevice>& devices, const HookProgram& hook);

}  // namespace oci_oauth
