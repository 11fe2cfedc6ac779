// SPDX-License-Identifier: Apache-2.0
// Serves refresh requests on a listening socket, and keeps running for tokens that become due before the
// timer's next tick. It runs one refresh of a profile at a time, for any number of requests, and no client
// can delay another.
#pragma once

#include <poll.h>

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/child.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "base/wait.h"
#include "config/config.h"
#include "program/log.h"
#include "serve/refresh_schedule.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

// Time, and waiting for it: tests have their own.
class ServerClock {
 public:
  virtual ~ServerClock() = default;
  virtual Instant now() { return {oci_oauth::now(), std::chrono::steady_clock::now()}; }
  virtual void wait(std::span<pollfd> watched, SteadyTime until) { (void)wait_readable(watched, until); }
};

struct RefreshService {
  UniqueFd listening;
  RuntimeDir runtime;
  Config config;
  std::function<Result<Config>()> read_config;  // reads it again; a failure keeps the old one
  std::vector<std::string> command;             // to which the profile is added; its exit code is the answer
  const Log& log;
  ServerClock& clock;
};

// The protocol: a client sends "PROFILE\n" and gets one line back, the exit code of a refresh that began
// after its request. Only root and the server's own user are served; others are rejected (SO_PEERCRED,
// unix(7)).
class RefreshServer {
 public:
  // Failure: runtime_dir cannot be watched.
  static Result<RefreshServer> open(RefreshService service);

  // Returns when there have been no requests for a while and no token needs the server; after SIGTERM or
  // SIGINT, or if runtime_dir was removed, once running refreshes have finished.
  void run();

 private:
  struct Caller {
    UniqueFd socket;
    std::string question;
    SteadyTime deadline;
  };
  struct Queue {
    Child refresh;                  // the running one
    std::vector<UniqueFd> served;   // requests from before it began
    std::vector<UniqueFd> waiting;  // requests since then, for the next one
  };

  RefreshServer(RefreshService service, UniqueFd publications, std::optional<FileId> directory)
      : service_(std::move(service)),
        publications_(std::move(publications)),
        directory_(directory),
        schedule_(service_.clock.now().steady) {}

  void accept_callers(SteadyTime now);
  void read_callers(SteadyTime now);
  void start_refresh(const std::string& profile, Queue& queue);
  void end_refreshes(SteadyTime now);
  void look(Instant now);

  std::uint64_t attempts_of(const std::string& profile) const;
  bool is_current() const;
  bool is_full() const;
  bool may_leave(Instant now) const;
  void sleep(const SignalQueue& signals);
  void stop();

  RefreshService service_;
  UniqueFd publications_;            // inotify(7)
  std::optional<FileId> directory_;  // runtime_dir/profiles as it was opened
  RefreshSchedule schedule_;
  std::vector<Caller> callers_;
  std::map<std::string, Queue> queues_;
  bool is_stopping_ = false;
};

}  // namespace oci_oauth
