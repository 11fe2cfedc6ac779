// SPDX-License-Identifier: Apache-2.0
// The configuration of the nginx that adds the token: a server for each profile with delivery "socket", made
// from its provider's data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "config/provider.h"

namespace oci_oauth {

struct ProxiedProfile {
  std::string name;
  Api api;
};

struct NginxSettings {
  std::string directory;     // for sockets and temporary files
  std::string certificates;  // of authorities
  std::vector<ProxiedProfile> profiles;
};

// nginx writes a line to its stdout for each request: ADDRESS STATUS BYTES TIME METHOD PATH, the address
// being that of the PROXY header.
std::string nginx_configuration(const NginxSettings& settings);

// A profile that nginx serves at PROFILE.sock, and where PROFILE.api, its upstream, leads.
struct PreparedProfile {
  std::string name, host, port;

  friend bool operator==(const PreparedProfile&, const PreparedProfile&) = default;
};

// Those in such a configuration.
std::vector<PreparedProfile> profiles_in(std::string_view nginx_configuration);

// Writes nginx.conf to `directory`, from the providers of the profiles with delivery "socket", unless the
// same is there. So the proxy itself needs no access to the configuration: under systemd, root does this for
// it. Failure: configuration; a provider without "api"; the file cannot be written.
Result<void> write_nginx_file(const Config& config, const std::string& prefix, const std::string& directory);

std::string nginx_file_in(const std::string& directory);  // empty if there is none

}  // namespace oci_oauth
