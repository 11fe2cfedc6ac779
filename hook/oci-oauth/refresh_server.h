// SPDX-License-Identifier: Apache-2.0
// Answers who asks for a refresh at a listening socket, and stays awake for tokens that fall due before the
// timer's next tick. One refresh of a profile at a time, however many ask; no caller can make another wait.
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

// The protocol: a caller sends "PROFILE\n" and gets one line back, the exit code of a refresh that began
// after it asked. Callers with another user's id are turned away (SO_PEERCRED, unix(7)): root and the
// server's own user are served.
class RefreshServer {
 public:
  // `invocation` must outlive the server; its refreshes ask for exchanges at `exchange_socket`. Failure: the
  // configuration or runtime_dir cannot be opened.
  static Result<RefreshServer> open(const Invocation& invocation, UniqueFd listening,
                                    std::string exchange_socket);

  // Returns when nobody has asked for a while and no token needs it awake; after SIGTERM or SIGINT, and when
  // somebody removed runtime_dir, when what is under way is through. Failure: poll(2).
  Result<void> run();

 private:
  struct Caller {
    UniqueFd socket;
    std::string question;
    SteadyTime deadline;
  };
  struct Queue {
    pid_t run = 0;                  // the `oci-oauth refresh PROFILE` under way; 0: none
    std::vector<UniqueFd> served;   // asked before it began
    std::vector<UniqueFd> waiting;  // asked since: for the run after it
    SteadyTime rest_until;          // of refreshes that nobody asked for
    FileStamp tried;                // the changed login that the last of them was started for
    std::uint64_t attempts = 0;     // that were published when it began
    bool is_barren = false;         // it ended without an attempt, so the next would as well
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

  // Starts the refreshes that a token or a changed login wants, and notes when to look again.
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
  FileStamp directory_;  // runtime_dir/profiles as it was opened
  SteadyTime active_at_, look_at_;
  std::optional<Time> next_look_;  // the earliest that some token needs
  bool stopping_ = false;
};

}  // namespace oci_oauth
