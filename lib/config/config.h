// SPDX-License-Identifier: Apache-2.0
// The configuration: the logins, what containers get of each, the store that a fleet's hosts share, and what
// else gets tokens. Parsed strictly: an unknown key, a wrong type or a relative path is an error that names
// the key and its place. What each key means is in keys.h. Nothing that it names is opened.
#pragma once

#include <sys/types.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/text.h"
#include "base/time.h"
#include "config/provider.h"

namespace oci_oauth {

// The system's configuration, and its default runtime_dir. A rootless user has separate ones.
constexpr const char* system_config = "/etc/oci-oauth/config.json";
constexpr const char* system_runtime_dir = "/run/oci-oauth";

// The timeout in hook files is 15 s; a hook that takes longer is killed, and its container fails.
constexpr Milliseconds longest_hook_wait = std::chrono::seconds(12);

// The provider of a command's output, unless the profile names another one.
constexpr const char* exec_provider = "exec";
// Less than what a run of refreshes may take.
constexpr Milliseconds longest_exec = std::chrono::seconds(60);

// What a pod's service account has (kubernetes.io, "Accessing the Kubernetes API from a Pod").
constexpr const char *cluster_url = "https://kubernetes.default.svc",
                     *cluster_ca_file = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
                     *cluster_token_file = "/var/run/secrets/kubernetes.io/serviceaccount/token";

// The names of the keys' files in FleetConfig::keys.
constexpr const char *login_key_file = "login.key", *access_key_file = "access.key",
                     *signing_key_file = "signing.key", *signers_file = "signers";

enum class FleetRole { follower, refresher };
constexpr std::array<std::string_view, 2> words_of(FleetRole) {
  return {"follower", "refresher"};
}

enum class Takeover { late, never, now };  // now: a person has decided; no configuration says that
constexpr std::array<std::string_view, 3> words_of(Takeover) {
  return {"late", "never", "now"};
}

struct KubernetesConfig {
  std::string name_space;
  std::string server = cluster_url;
  std::string token_file = cluster_token_file;
};

// The store is etcd or Kubernetes.
struct FleetConfig {
  std::vector<std::string> endpoints;
  std::optional<KubernetesConfig> kubernetes;
  std::string ca_file, certificate_file, key_file;
  std::string keys = "/etc/oci-oauth/fleet";
  std::string host;  // empty: gethostname(2)
  FleetRole role = FleetRole::follower;
  std::vector<std::string> refreshers = {};  // not empty: these decide the role
  Takeover takeover = Takeover::late;
  Milliseconds settle = std::chrono::minutes(2);
  std::vector<std::string> profiles;  // of this host's configuration, which are the fleet's

  // Otherwise by a certificate.
  bool is_known_by_token() const { return kubernetes && certificate_file.empty(); }
};

// A secret on a OneCLI server. Empty fields are taken from env_file or from the environment, under the names
// that OneCLI's users have: ONECLI_OAUTH_SECRET_ID, ONECLI_URL or ONECLI_API_HOST, ONECLI_API_KEY,
// ONECLI_BIN.
struct OneCliSink {
  std::string secret_id, url, api_key_file, program, env_file, ca_file;
};

// What gets each new access token besides containers.
struct Sink {
  std::string place = {};                  // "/sinks/0", for messages
  std::vector<std::string> profiles = {};  // empty: all
  std::string host = {};                   // the one that runs it; empty: all
  Milliseconds timeout = std::chrono::seconds(30);
  std::vector<std::string> exec = {};
  std::optional<OneCliSink> onecli = {};
};

// A command that prints a token, instead of a document and an exchange.
struct ExecSource {
  std::vector<std::string> exec = {};
  std::string user = {};  // whose rights it has; empty: those of the refresher
  Pairs environment = {};
  Milliseconds lifetime{0};  // of a token whose expiry is not printed; zero: unknown
  Milliseconds timeout = std::chrono::seconds(30);
};

enum class DeliverTo { chosen, all };
constexpr std::array<std::string_view, 2> words_of(DeliverTo) {
  return {"chosen", "all"};
}
enum class OnFailure { start, block };
constexpr std::array<std::string_view, 2> words_of(OnFailure) {
  return {"start", "block"};
}
enum class Delivers { token, socket };
constexpr std::array<std::string_view, 2> words_of(Delivers) {
  return {"token", "socket"};
}

struct Profile {
  std::string name;      // a Name (rules.h): also a file name
  std::string provider;  // default: the profile's name
  std::string
      credentials;  // the credential document; empty: there is a source, or it is in the fleet's store
  std::optional<ExecSource> source = {};
  bool in_fleet = false;  // the login is in the fleet's store, and `credentials` has its access token at most
  std::string entry = {};  // which login, if the document has several (load_provider)
  std::string resource = {}, client_file = {};
  // Profiles of the same document may have the same targets: the first of them, or the one without an entry,
  // delivers the others' part of it as well, and they have none of their own.
  std::string delivered_by = {};           // the name of that profile; empty: this one itself
  std::vector<ProviderEntry> others = {};  // what it delivers besides
  // Absolute, normalised directories in containers; default "/run/secrets/NAME".
  std::vector<std::string> targets;
  std::string target;  // the first one, which a container gets if it has a mount at none
  Delivers delivery = Delivers::token;
  std::string loopback_port;  // empty: none
  DeliverTo deliver_to = DeliverTo::chosen;
  bool trusts_annotations = false;
  OnFailure on_failure = OnFailure::start;
  Milliseconds hook_wait = std::chrono::seconds(8);
  Milliseconds refresh_before = std::chrono::minutes(60);
  mode_t mode = 0444;
  // Each of these overrides the provider's value if it is not empty.
  std::string token_url, issuer, ca_file, user_agent, client_id, client_secret_file, redirect_uri, api_url;
  std::vector<std::string> scopes;
  std::string proxy;
};

struct Config {
  std::string path;         // the file that it was read from
  std::string runtime_dir;  // empty if the file does not set it
  std::string runtime;      // the OCI runtime behind oci-oauth-runtime; empty: runc, else crun
  std::string metrics_file;
  std::optional<FleetConfig> fleet;
  std::vector<Profile> profiles;
  std::vector<Sink> sinks;

  const Profile* find(std::string_view profile) const;
  // The profile and those whose part it delivers.
  std::vector<const Profile*> delivered_with(const Profile& profile) const;
};

// Whether an unusable configuration may contain "block": if its text does, or, if it cannot be read, if the
// caller names a profile (`named`). A missing file does not.
bool could_block(const std::string& path, bool named);

// Result: the configuration. Failure (kind configuration): "PATH:LINE:COLUMN: reason" or "PATH:
// /profiles/x/mode: reason".
Result<Config> parse_config(std::string_view text, std::string_view path);

// Reads and parses the file; not_found if there is none. Failure (configuration): somebody other than root or
// the caller can write to it.
Result<Config> load_config(const std::string& path);

bool is_valid_name(std::string_view name);

}  // namespace oci_oauth
