// SPDX-License-Identifier: Apache-2.0
// The ways in which a refresh comes about, to be broken on each of them, and what its calls tell.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "faults/host.h"
#include "faults/mounted_file.h"
#include "faults/tracer.h"

namespace oci_oauth::test {

enum class Place {
  directory,     // the login is a file in a directory
  mounted_file,  // it is a mount point of its own; needs own_mount_namespace()
  two_logins,    // another one is in the same directory
  socket,        // the exchange is a service: the test accepts the connection and starts it, as systemd does
};

class Scene {
 public:
  Scene(TokenEndpoint& endpoint, Place place);

  // A refresh of which one call goes wrong. At a socket it is the exchange's, and its output is in the
  // result.
  Traced run(const Fault& fault) const;
  // What comes next. Of two logins that of the other one first, which must not harm what the
  // broken one left; its failure is the result.
  Output mend() const;
  bool logins_work() const { return host.login_works() && (!second_ || host.other_login_works()); }

  // The number of the process that does the exchange.
  unsigned worker() const { return place_ == Place::socket ? 0 : 1; }

  Host host;

 private:
  Traced run_service(const Fault& fault) const;

  Place place_;
  bool second_;
  std::optional<MountedFile> mounted_;
};

bool is_journal(const Call& call);
bool is_journal_write(const Call& call);

// A refresh's calls when nothing goes wrong.
struct Course {
  std::map<unsigned, unsigned> counts;  // of each process
  // The worker's calls from the fence to the journal's end, in which a login could be lost.
  unsigned fence = 0, end = 0;
  unsigned sends = 0;  // the worker's, up to the one that completes the request
};

Course course_of(const std::vector<Call>& calls, unsigned worker);

// The worker has completed its request with the last of `sends`, and has not noted the answer.
bool has_sent(const std::vector<Call>& calls, unsigned sends, unsigned worker);

}  // namespace oci_oauth::test
