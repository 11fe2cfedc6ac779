// SPDX-License-Identifier: Apache-2.0
// Where the browser returns to: a port on a loopback address (RFC 8252 section 7.3). Any program of this host
// can connect: nothing but GET of the one path is answered, and nobody can hold the listener up.
#pragma once

#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "base/wait.h"

namespace oci_oauth {

struct LoopbackAddress;  // config/rules.h

// The query of a request's head: "GET PATH?QUERY HTTP/1.1", as far as the end of its line. nullopt: any other
// request.
std::optional<std::string> query_of_request(std::string_view head, std::string_view path);

class LoopbackListener {
 public:
  // `redirect_uri`: empty for a free port on 127.0.0.1 or, without IPv4, on [::1]. Failure: "redirect_uri:
  // ADDRESS: reason".
  static Result<LoopbackListener> open(const std::string& redirect_uri);

  // With the port.
  const std::string& redirect_uri() const { return redirect_uri_; }

  // What to wait for.
  std::vector<pollfd> waiting() const;
  SteadyTime deadline() const;

  // What a request with this query is answered with: the text of a page. nullopt: 404.
  using Answer = std::function<std::optional<std::string_view>(std::string_view query)>;
  // Serves what has arrived, without waiting.
  void serve(const Answer& answer);

 private:
  struct Connection {
    UniqueFd fd;
    SteadyTime until;
    std::string request = {};
  };
  static Result<LoopbackListener> listen(LoopbackAddress address);
  LoopbackListener(UniqueFd fd, const LoopbackAddress& address);
  void accept_new();
  bool serve(Connection& connection, const Answer& answer) const;

  UniqueFd fd_;
  std::string path_, redirect_uri_;
  std::list<Connection> connections_;  // the oldest one first
};

}  // namespace oci_oauth
