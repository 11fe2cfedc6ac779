// SPDX-License-Identifier: Apache-2.0
// Connects nginx to the APIs. nginx keeps connections open only to an upstream whose address it knows from
// the start, so that is a Unix socket, and each connection there becomes one to the API's name as the host
// resolves it at that moment. What passes is nginx's TLS.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/child.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "program/log.h"
#include "proxy/event_loop.h"
#include "proxy/nginx_configuration.h"
#include "proxy/tunnel.h"

namespace oci_oauth {

class Dialer {
 public:
  // Its sockets are in `directory`, each PROFILE.api.
  Dialer(EventLoop& loop, std::string directory, Pipe outcomes, const Log& log);

  // Serves these profiles and no others. Failure: a socket that cannot be made.
  Result<void> serve(const std::vector<PreparedProfile>& profiles);

 private:
  struct Listener {
    PreparedProfile profile;
    UniqueFd socket;
    size_t connecting = 0;
  };
  struct Call {
    PreparedProfile profile;
    UniqueFd client;
    std::optional<Tunnel> tunnel = {};
  };

  void accept(Listener& listener);
  void take_outcomes();
  void begin(Call& call, UniqueFd server);
  void end(const Call& call);

  EventLoop& loop_;
  std::string directory_;
  UniqueFd outcomes_;
  std::shared_ptr<const UniqueFd> reports_;  // the other end, also of threads that end later
  const Log& log_;
  std::map<std::string, Listener> listeners_;
  std::list<Call> calls_;
};

}  // namespace oci_oauth
