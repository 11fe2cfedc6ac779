// SPDX-License-Identifier: Apache-2.0
// The configuration: which logins there are and what a container gets of each. Parsed strictly: an unknown
// key, a wrong type or a relative path is an error that names the key and its place.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/sink_config.h"

namespace oci_oauth {

// Where a system's configuration is, and its runtime_dir where that leaves it to the default. A rootless user
// has own ones.
constexpr const char* system_config = "/etc/oci-oauth/config.json";
constexpr const char* system_runtime_dir = "/run/oci-oauth";

// The hook files' timeout is 15 s: a hook that waits longer is killed, and its container with it.
constexpr Milliseconds longest_hook_wait = std::chrono::seconds(12);

enum class DeliverTo { chosen, all };
enum class OnFailure { start, block };
enum class Trust { no, yes };

struct Profile {
  std::string name;         // a Name (rules.h): also a file name
  std::string provider;     // likewise; default: the profile's name
  std::string credentials;  // absolute path of the credential document
  // Absolute, normalised directories in containers; default "/run/secrets/NAME".
  std::vector<std::string> targets;
  std::string target;  // the first of them: what a container is given that has a mount at none
  DeliverTo deliver_to = DeliverTo::chosen;
  Trust annotations = Trust::no;
  OnFailure on_failure = OnFailure::start;
  Milliseconds hook_wait = std::chrono::seconds(8);
  Milliseconds refresh_before = std::chrono::minutes(60);
  mode_t mode = 0444;
  // Each of these overrides the provider's where it is not empty.
  std::string token_url, ca_file, user_agent;
  std::string proxy;  // the refresher reads no proxy from its environment
};

struct Config {
  std::string path;          // where it was read
  std::string runtime_dir;   // absolute; empty where the file leaves it to the default
  std::string runtime;       // the OCI runtime behind oci-oauth-runtime: absolute; empty: runc, else crun
  std::string metrics_file;  // absolute; empty: none is written
  std::vector<Profile> profiles;
  std::vector<Sink> sinks;

  const Profile* find(std::string_view profile) const;
};

// Whether a configuration that cannot be used could say "block": its text does; where nobody can read that,
// whether the caller names a profile (`named`). A file that is not there says nothing.
bool could_block(const std::string& path, bool named);

// Result: the configuration. Failure (kind configuration): "PATH:LINE:COLUMN: reason" or "PATH:
// /profiles/x/mode: reason".
Result<Config> parse_config(std::string_view text, std::string_view path);

// Reads and parses; not_found where there is no file; refused where somebody other than root or the caller
// could have written it.
Result<Config> load_config(const std::string& path);

bool is_valid_name(std::string_view name);

}  // namespace oci_oauth
