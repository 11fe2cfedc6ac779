// SPDX-License-Identifier: Apache-2.0
// The configuration of the nginx that adds the token: a server for each profile with delivery "socket", made
// from its provider's data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

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

// The words of a text between single separators; the last of `count` words is the rest, and missing ones are
// empty.
std::vector<std::string_view> words_in(std::string_view text, size_t count, char separator = ' ');

// A profile that nginx serves at PROFILE.sock, and where PROFILE.api, its upstream, leads.
struct PreparedProfile {
  std::string name, host, port;

  friend bool operator==(const PreparedProfile&, const PreparedProfile&) = default;
};

// Those in such a configuration.
std::vector<PreparedProfile> profiles_in(std::string_view nginx_configuration);

}  // namespace oci_oauth
