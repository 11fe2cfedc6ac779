// SPDX-License-Identifier: Apache-2.0
#include "worker/fleet_access.h"

#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "base/fmt.h"
#include "base/process.h"
#include "config/trusted_file.h"

namespace oci_oauth {

namespace {

constexpr size_t longest_key_file = 64 * KiB;

// The variable has no dashes.
std::string boot_id() {
  std::string id(from_environment(boot_variable));
  if (id.empty()) {
    if (auto text = read_file({.path = "/proc/sys/kernel/random/boot_id"}, KiB)) id = std::move(*text);
  }
  std::erase_if(id, [](char c) { return c == '-' || c == '\n'; });
  return id;
}

// What a unit was given, LoadCredentialEncrypted= of systemd.exec(5), or else what is in the directory.
std::string path_of_key(const FleetConfig& config, const char* name) {
  const std::string_view credentials = from_environment("CREDENTIALS_DIRECTORY");
  std::string given = fmt::format("{}/oci-oauth.{}", credentials, name);
  if (!credentials.empty() && ::access(given.c_str(), F_OK) == 0) return given;
  return fmt::format("{}/{}", config.keys, name);
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
  fleet.boot = boot_id();
  fleet.ca = TRY(read_open(config.ca_file));
  if (config.is_known_by_token()) {
    fleet.token = TRY(read_open(config.kubernetes->token_file));
  } else {
    fleet.certificate = TRY(read_open(config.certificate_file));
    fleet.key = TRY(read_private(config.key_file));
  }
  fleet.access = TRY(read_private(path_of_key(config, access_key_file)));
  fleet.signers = TRY(read_open(path_of_key(config, signers_file)));
  if (config.role == FleetRole::follower) return fleet;
  fleet.login = TRY(read_private(path_of_key(config, login_key_file)));
  fleet.signing = TRY(read_private(path_of_key(config, signing_key_file)));
  return fleet;
}

}  // namespace oci_oauth
