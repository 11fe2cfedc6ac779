// SPDX-License-Identifier: Apache-2.0
// Serves refresh requests on a listening socket, and keeps running for tokens that become due before the
// timer's next tick. It runs one refresh of a profile at a time, for any number of requests, and no client
// can delay another.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "base/unique_fd.h"
#include "command.h"
#include "token/published.h"

namespace oci_oauth {

// The protocol: a client sends "PROFILE\n" and gets one line back, the exit code of a refresh that began
// after its request. Only root and the server's own user are served; others are rejected (SO_PEERCRED,
// unix(7)).
class RefreshServer {
 public:
  // `invocation` must outlive the server; its refreshes request exchanges on `exchange_socket`. Failure: the
  // configuration or runtime_dir cannot be opened.
  static Result<RefreshServer> open(const Invocation& invocation, UniqueFd listening,
                                    std::string exchange_socket);

  // Returns when there have been no requests for a while and no token needs the server; after SIGTERM or
  // SIGINT, or if runtime_dir was removed, once running refreshes have finished. Failure: poll(2).
  Result<void> run();

 private:
  struct Caller {
    UniqueFd socket;
    std::string question;
    SteadyTime deadline;
  };
  struct Queue {
    pid_t run = 0;                  // the running `oci-oauth refresh PROFILE`; 0: none
    std::vector<UniqueFd> served;   // requests from before it began
    std::vector<UniqueFd> waiting;  // requests since then, for the next run
    SteadyTime rest_until;          // of refreshes without a request
    FileStamp tried;                // the changed login that the last of them was started for
    std::uint64_t attempts = 0;     // those that were published when it began
    bool is_barren = false;         // it ended without an attempt, and the next one would too
  };

  RefreshServer(const Invocation& invocation, Workplace workplace, UniqueFd listening,
                std::string exchange_socket)
      : invocation_(invocation),
        workplace_(std::move(workplace)),
        listening_(std::move(listening)),
        exchange_socket_(std::move(exchange_socket)) {}

  void accept_callers(SteadyTime time);
  void read_callers(SteadyTime time);
  void enqueue(const std::string& profile, UniqueFd socket);
  void start_runs();
  void start_run(const std::string& profile, Queue& queue);
  void end_runs(SteadyTime time);

  // Starts the refreshes that a token or a changed login needs, and records when to check again.
  void look(Time wall_time, SteadyTime time);
  std::optional<Time> wanted_at(const Profile& profile, const Queue& queue, Time wall_time) const;
  std::uint64_t attempts_of(const std::string& profile) const;
  bool is_current() const;

  bool may_leave(Time wall_time, SteadyTime time) const;
  Result<void> sleep();
  void stop();
  size_t connections() const;

  const Invocation& invocation_;
  Workplace workplace_;
  UniqueFd listening_, signals_, publications_;
  std::string exchange_socket_;
  std::vector<Caller> callers_;
  std::map<std::string, Queue> queues_;
  FileStamp directory_;  // runtime_dir/profiles as it was when opened
  SteadyTime active_at_, look_at_;
  std::optional<Time> next_look_;  // the earliest time that a token needs
  bool stopping_ = false;
};

}  // namespace oci_oauth
