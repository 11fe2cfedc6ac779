// SPDX-License-Identifier: Apache-2.0
// The proxy as a whole: nginx as a child process, the relay in front of it, the desk where it gets the token,
// and the socket where containers' own sockets are handed over.
#pragma once

#include <functional>
#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/child.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "base/unix_socket.h"
#include "base/wait.h"
#include "program/log.h"
#include "proxy/dialer.h"
#include "proxy/event_loop.h"
#include "proxy/relay.h"
#include "proxy/token_desk.h"

namespace oci_oauth {

struct ProxyInstance {
  std::string directory;  // its own, with nginx.conf (nginx_configuration.h), for sockets and temporary files
  std::string control;  // the path of the socket where containers' sockets are handed over, unless inherited
  // Writes nginx.conf anew from what is in these directories; empty if somebody else does it.
  std::function<Result<void>()> prepare;
  std::vector<std::string> sources;
  // Where a rejected token is reported; empty: by a command, which ends with the name of the profile and has
  // the token as its input.
  std::string rejected_socket;
  std::vector<std::string> rejected_command;
};

class ProxyService {
 public:
  // Starts nginx with nginx.conf, and reloads it whenever that file or a source changes. `inherited`:
  // as inherited_descriptors(), the listening socket and what containers handed over before a restart.
  // Without it, the socket is made. Failure: no profile; what nginx says; a socket that cannot be made.
  static Result<void> run(const ProxyInstance& instance,
                          std::vector<std::pair<std::string, UniqueFd>> inherited, const Log& log);

 private:
  ProxyService(const ProxyInstance& instance, const Log& log);

  Result<void> start(std::vector<std::pair<std::string, UniqueFd>>&& inherited);
  Result<void> start_nginx();
  Result<void> wait_for_nginx();
  Result<void> watch_configuration();
  void reload();
  Result<void> read_configuration();
  bool has_profile(std::string_view name) const;
  void take_signals();
  void read_log();
  void note_request(std::string_view line);
  void serve_caller(int caller);
  std::string answer_to(int caller, DescriptorMessage message);
  // Result: the answer. `share`: which one the caller knows the proxy to have, unless it brings one.
  std::string admit(const std::string& profile, const std::string& id, std::string_view share,
                    std::vector<UniqueFd> descriptors);
  void restore(std::vector<std::pair<std::string, UniqueFd>>&& inherited);
  void take_share(const std::string& profile, UniqueFd share);
  std::string traffic() const;
  UniqueFd report_rejected(const std::string& profile, const Secret& token);

  const ProxyInstance& instance_;
  const Log& log_;
  SignalQueue signals_;
  EventLoop loop_;
  Relay relay_;
  Dialer dialer_;
  std::string configuration_;  // nginx's, as it was read last
  std::vector<PreparedProfile> profiles_;
  Child nginx_;
  std::list<Child> refreshes_;
  UniqueFd changes_;  // inotify(7), of the directory and the sources
  Pipe requests_;     // nginx's log
  std::string unread_;
  UniqueFd control_;
  std::optional<TokenDesk> desk_;
  bool is_stopping_ = false;
};

}  // namespace oci_oauth
