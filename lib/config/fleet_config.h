// SPDX-License-Identifier: Apache-2.0
// The configured fleet: the store that its hosts share, and what this host does in it. Pure: it does not open
// anything that it names.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "base/words.h"

namespace oci_oauth {

// A follower can read access tokens and nothing else.
enum class FleetRole { follower, refresher };
constexpr std::array<std::string_view, 2> words_of(FleetRole) {
  return {"follower", "refresher"};
}

// What a refresher does about a refresh whose host is silent.
enum class Takeover {
  late,   // one attempt when the access token is about to end
  never,  // a person decides
  now     // a person has decided
};
constexpr std::array<std::string_view, 3> words_of(Takeover) {
  return {"late", "never", "now"};
}

// What a pod's service account has (kubernetes.io, "Accessing the Kubernetes API from a Pod").
constexpr const char *cluster_url = "https://kubernetes.default.svc",
                     *cluster_ca_file = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
                     *cluster_token_file = "/var/run/secrets/kubernetes.io/serviceaccount/token";

struct KubernetesConfig {
  std::string name_space;
  std::string server = cluster_url;
  std::string token_file = cluster_token_file;
};

// The names of the keys' files in FleetConfig::keys.
constexpr const char *login_key_file = "login.key", *access_key_file = "access.key",
                     *signing_key_file = "signing.key", *signers_file = "signers";

// The store is etcd or Kubernetes.
struct FleetConfig {
  std::vector<std::string> endpoints;  // of etcd's members
  std::optional<KubernetesConfig> kubernetes;
  std::string ca_file, certificate_file, key_file;  // absolute, like the directory
  std::string keys = "/etc/oci-oauth/fleet";
  std::string host;  // this host's name in the records; empty: gethostname(2)
  FleetRole role = FleetRole::follower;
  std::vector<std::string> refreshers = {};  // names of hosts; not empty: these decide the role
  Takeover takeover = Takeover::late;
  Milliseconds settle = std::chrono::minutes(2);
  std::vector<std::string> profiles;  // of this host's configuration, which are the fleet's

  // Otherwise by a certificate.
  bool is_known_by_token() const { return kubernetes && certificate_file.empty(); }
};

}  // namespace oci_oauth
