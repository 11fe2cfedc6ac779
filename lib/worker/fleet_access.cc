// SPDX-License-Identifier: Apache-2.0
#include "worker/fleet_access.h"

#include <limits.h>
#include <unistd.h>

#include "base/size.h"
#include "config/trusted_file.h"

namespace oci_oauth {

namespace {

constexpr size_t longest_key_file = 64 * KiB;

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

Result<Secret> read_open(const std::string& path) {
  auto text = read_trusted_file(path, longest_key_file, Owners::root_or_caller);
  if (!text) return Error::configuration(text.error().message).with_hint(text.error().hint);
  return Secret(std::move(*text));
}

Result<Secret> read_private(const std::string& path) {
  return read_private_file(path, ::geteuid(), longest_key_file);
}

}  // namespace

Result<FleetAccess> fleet_access(const FleetConfig& config) {
  FleetAccess fleet;
  fleet.config = config;
  if (config.host.empty()) fleet.config.host = host_name();
  fleet.ca = TRY(read_open(config.ca_file));
  fleet.certificate = TRY(read_open(config.certificate_file));
  fleet.key = TRY(read_private(config.key_file));
  const std::string directory = config.keys + "/";
  fleet.access = TRY(read_private(directory + access_key_file));
  fleet.signers = TRY(read_open(directory + signers_file));
  if (config.role == FleetRole::follower) return fleet;
  fleet.login = TRY(read_private(directory + login_key_file));
  fleet.signing = TRY(read_private(directory + signing_key_file));
  return fleet;
}

}  // namespace oci_oauth
