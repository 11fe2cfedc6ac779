// SPDX-License-Identifier: Apache-2.0
// One user's login on a host of its own, at a strict token endpoint: what the tests here break and look at.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "support/temp_dir.h"
#include "support/token_endpoint.h"

namespace oci_oauth::test {

// The user whom the login belongs to; in no passwd. Root's own where the tests do not run as root.
constexpr uid_t login_owner = 54321;
uid_t owner_id();

// Where the programs under test are installed: $OCI_OAUTH_PREFIX.
std::string installed(const std::string& program);

// Every fault in every place, as `./dev faults` has it; else the tests take a sample where they say so.
// $OCI_OAUTH_FAULTS is "full".
bool is_full_run();

// A mount namespace for the calling thread and what it starts. False: not allowed to, with the reason shown.
bool own_mount_namespace();

struct Output {
  int status = -1;   // exit code; 128 + N where signal N ended it
  std::string text;  // stdout and stderr
};

// Runs a program to its end. Its environment is empty, its stdin the file `input`.
Output run_program(const std::vector<std::string>& command, const std::string& input = "/dev/null");

// Starts it; its output goes to the file `output`.
pid_t start_program(const std::vector<std::string>& command, const std::string& input = "/dev/null",
                    const std::string& output = "/dev/null");
int end_of(pid_t program);  // as Output::status

class Host {
 public:
  // A login whose token has expired, in a home of its own, and a runtime directory in use. `more` is JSON of
  // the profile: ", \"hook_wait\": \"60s\"".
  explicit Host(TokenEndpoint& endpoint, const std::string& more = "");

  const TempDir directory;
  const std::string home = directory / "home/claude", credentials = home + "/.credentials.json";
  const std::string journal = home + "/..credentials.json.oci-oauth.journal";
  const std::string runtime = directory / "run", config = directory / "config.json";

  // Writes a new login whose access token ends `from_now`.
  void log_in(std::chrono::seconds from_now);
  // Another one in the same directory, expired, with a profile "other" of its own.
  void add_other_login();
  bool other_login_works() const;
  // The access token has expired, and the rest stays.
  void expire() const;
  // A running container (this process) has `delivered`, a directory that refreshes are written into.
  void add_container() const;
  const std::string delivered = directory / "delivered";

  std::vector<std::string> command(std::vector<std::string> words) const;
  Output refresh() const { return run_program(command({"refresh"})); }
  // As a person does it: a refresh, and where that leaves the endpoint alone for a while, one with --force.
  Output mend(const std::string& profile = "claude") const;

  std::string document() const { return directory.read("home/claude/.credentials.json"); }
  // Of the document; empty where it is not whole.
  std::string field(const std::string& name) const { return field_of(document(), name); }
  bool is_whole() const { return !field("refreshToken").empty() && !field("accessToken").empty(); }
  bool login_works() const { return endpoint_.accepts_refresh_token(field("refreshToken")); }
  std::string published_token() const { return directory.read("run/share/claude/token"); }

  bool has_locks() const;
  // A minute passes for locks that were left behind: who does not know whose they are takes them for stale.
  void age_locks() const;

  // What a refresh that is complete leaves of itself: nothing. Empty, or what is there all the same.
  std::string left_behind() const;

 private:
  std::string profile(const std::string& path, const std::string& more = "") const;
  static std::string field_of(const std::string& document, const std::string& name);

  TokenEndpoint& endpoint_;
};

}  // namespace oci_oauth::test
