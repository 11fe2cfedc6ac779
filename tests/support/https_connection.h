// SPDX-License-Identifier: Apache-2.0
// The server's end of one HTTPS connection, which can also fail in every way a network can; no wait outlasts
// the server.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "support/authorization_server.h"
#include "support/certificate_authority.h"

namespace oci_oauth::test {

struct Request {
  std::string method;
  std::string path;
  Parameters query;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  Parameters parameters;  // of the body, JSON object or form; empty if it is neither
  std::chrono::system_clock::time_point arrived;
};

struct Reply {
  int status = 200;
  std::map<std::string, std::string> headers =
      {};  // beside Content-Length; Content-Type is JSON unless given
  std::string body = {};
};

enum class Body { whole, truncated };

// Every function returns failure once the client has left, TLS fails, or `stop_fd` becomes readable.
class HttpsConnection {
 public:
  // `socket` is non-blocking. `context` and `stop_fd` outlive the connection.
  HttpsConnection(UniqueFd socket, SSL_CTX* context, int stop_fd);

  bool handshake();

  // The next request, read whole (RFC 9112; no transfer coding). Nothing if none comes.
  std::optional<Request> read_request();

  // A truncated body is half of what Content-Length says.
  bool send(const Reply& reply, Body body = Body::whole);

  // True after `duration`.
  bool pause(std::chrono::milliseconds duration) const;

  // Reads nothing more as TLS and returns when the client has left.
  void wait_for_client_to_leave() const;

  // Ends TLS and TCP in order, and waits for the client to do the same.
  void close();

  // Ends TCP with a reset: what was not yet read by the other side is lost.
  void reset();

 private:
  bool wait_for(short events) const;
  template <typename Operation>
  int complete(Operation operation);
  bool receive();

  UniqueFd socket_;
  int stop_fd_;
  OpensslPtr<SSL> tls_;
  std::string received_;  // not yet part of a request
};

}  // namespace oci_oauth::test
