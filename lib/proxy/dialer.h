// SPDX-License-Identifier: Apache-2.0
// Connects nginx to the APIs. nginx keeps connections open only to an upstream whose address it knows from
// the start, so that is a Unix socket, and each connection there becomes one to the API's name as the host
// resolves it at that moment. What passes is nginx's TLS.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

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
  Dialer(EventLoop& loop, std::string directory, const Log& log);

  // Serves these profiles and no others. Failure: a socket that cannot be made.
  Result<void> serve(const std::vector<PreparedProfile>& profiles);

 private:
  struct Listener {
    PreparedProfile profile;
    UniqueFd socket;
    size_t connecting = 0;
  };
  // A connection of nginx's, and the one to the API that a thread makes for it.
  struct Call {
    PreparedProfile profile;
    UniqueFd client, server = {};
    const char* failure = nullptr;  // why there is no server

    void connect();
  };
  // Of threads, some of which may end after the dialer.
  struct Outcomes {
    std::mutex mutex;
    std::vector<Call> calls;
    UniqueFd event;  // readable if there are calls
  };

  void accept(Listener& listener, UniqueFd client);
  void take_outcomes();
  void end(Call call);

  EventLoop& loop_;
  std::string directory_;
  const Log& log_;
  std::shared_ptr<Outcomes> outcomes_ = std::make_shared<Outcomes>();
  std::map<std::string, Listener> listeners_;
  std::list<Tunnel> tunnels_;
};

}  // namespace oci_oauth
