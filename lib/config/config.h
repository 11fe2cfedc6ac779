// SPDX-License-Identifier: Apache-2.0
// The configuration: the logins, and what containers get of each. It is parsed strictly: an unknown key, a
// wrong type or a relative path is an error that names the key and its place.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/fleet_config.h"
#include "config/provider.h"
#include "config/sink_config.h"

namespace oci_oauth {

// The system's configuration, and its default runtime_dir. A rootless user has separate ones.
constexpr const char* system_config = "/etc/oci-oauth/config.json";
constexpr const char* system_runtime_dir = "/run/oci-oauth";

// The timeout in hook files is 15 s; a hook that takes longer is killed, and its container fails.
constexpr Milliseconds longest_hook_wait = std::chrono::seconds(12);

enum class DeliverTo { chosen, all };
enum class OnFailure { start, block };
enum class Delivers { token, socket };  // what a container finds in the target
enum class Trust { no, yes };

// The provider of a command's output, unless the profile names another one.
constexpr const char* exec_provider = "exec";
// Less than what a run of refreshes may take.
constexpr Milliseconds longest_exec = std::chrono::seconds(60);

// A command that prints a token, instead of a document and an exchange.
struct ExecSource {
  std::vector<std::string> exec = {};  // an absolute path and arguments
  std::string user = {};               // whose rights it has; empty: those of the refresher
  Pairs environment = {};              // variables besides those that every command gets
  Milliseconds lifetime{0};            // of a token whose expiry is not printed; zero: unknown
  Milliseconds timeout = std::chrono::seconds(30);
};

struct Profile {
  std::string name;         // a Name (rules.h): also a file name
  std::string provider;     // the same; default: the profile's name
  std::string credentials;  // absolute path of the credential document; empty: there is a source
  std::optional<ExecSource> source = {};
  bool in_fleet = false;  // the login is in the fleet's store, and `credentials` has its access token at most
  std::string entry = {};     // which login, if the document has several (load_provider)
  std::string resource = {};  // overrides the login's
  std::string client_file = {};
  // Profiles of the same document may have the same targets: the first of them, or the one without an entry,
  // delivers the others' part of it as well, and they have none of their own.
  std::string delivered_by = {};           // the name of that profile; empty: this one itself
  std::vector<ProviderEntry> others = {};  // what it delivers besides
  // Absolute, normalised directories in containers; default "/run/secrets/NAME".
  std::vector<std::string> targets;
  std::string target;  // the first one, which a container gets if it has a mount at none
  Delivers delivery = Delivers::token;
  std::string loopback_port;  // with Delivers::socket, for clients that know only TCP; empty: none
  DeliverTo deliver_to = DeliverTo::chosen;
  Trust annotations = Trust::no;
  OnFailure on_failure = OnFailure::start;
  Milliseconds hook_wait = std::chrono::seconds(8);
  Milliseconds refresh_before = std::chrono::minutes(60);
  mode_t mode = 0444;
  // Each of these overrides the provider's value if it is not empty.
  std::string token_url, issuer, ca_file, user_agent, client_id, client_secret_file, redirect_uri, api_url;
  std::vector<std::string> scopes;
  std::string proxy;  // the refresher does not read a proxy from its environment
};

struct Config {
  std::string path;          // the file that it was read from
  std::string runtime_dir;   // absolute; empty if the file does not set it
  std::string runtime;       // the OCI runtime behind oci-oauth-runtime: absolute; empty: runc, else crun
  std::string metrics_file;  // absolute; empty: none is written
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
