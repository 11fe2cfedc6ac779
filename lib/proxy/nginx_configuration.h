// SPDX-License-Identifier: Apache-2.0
// The configuration of the nginx that adds the token: a server for each profile with delivery "socket", made
// from its provider's data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/provider.h"

namespace oci_oauth {

struct ProxiedProfile {
  std::string name;
  Api api;
  std::string address;  // of the API's host, if /etc/hosts has it; else nginx asks a name server
};

struct NginxSettings {
  std::string directory;                  // for its sockets and temporary files
  std::string certificates;               // of authorities
  std::vector<std::string> name_servers;  // as nginx writes them
  std::vector<ProxiedProfile> profiles;
};

// nginx writes a line to its stdout for each request: ADDRESS STATUS BYTES TIME METHOD PATH, the address
// being that of the PROXY header.
std::string nginx_configuration(const NginxSettings& settings);

// The names of the profiles in such a configuration.
std::vector<std::string> profiles_in(std::string_view nginx_configuration);

// "nameserver" lines of resolv.conf(5), as nginx writes addresses.
std::vector<std::string> name_servers_in(std::string_view resolv_conf);

// The address of `host` in hosts(5), as a URL has it; empty: it is not there.
std::string address_in(std::string_view hosts, std::string_view host);

// "api.example.com" of "https://api.example.com:8443", and ":8443", or the scheme's port if it names none.
std::string_view host_of(std::string_view origin);
std::string_view port_of(std::string_view origin);

}  // namespace oci_oauth
