// SPDX-License-Identifier: Apache-2.0
// A token endpoint for tests: real TLS on a loopback port of its own, strict rotation, and every failure a
// client must survive, on demand.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "support/authorization_server.h"
#include "support/certificate_authority.h"
#include "support/https_connection.h"

namespace oci_oauth::test {

// How far an exchange has come. Until `received` a step concerns the next connection, from then on the next
// POST.
enum class Stage {
  accepted,    // TCP is up: nothing of the request can have been sent
  handshaken,  // TLS is up: the request may have been sent, and is not read
  received,    // the request is read and counted; the refresh token still stands
  rotated,     // the new tokens are in force; the client does not know them yet
};

enum class Ending {
  answer,
  truncate,  // half of the body, then an orderly close
  close,
  reset,
  hang,  // never a byte more; lasts until the client leaves
};

// What differs from the normal course of one exchange. Step{} is the normal course.
struct Step {
  Stage at = Stage::received;
  std::chrono::milliseconds delay{0};  // waited at the stage
  Ending ending = Ending::answer;      // at the stage; `answer` and `truncate` let the exchange run on
  std::optional<Reply> reply = {};  // in place of the server's own; from `received`, nothing is rotated then
  JsonMembers members = {};         // of the server's own answer, replaced or added: {"expires_in", "-1"}
  std::set<std::string> omit = {};  // of those, left out; without "refresh_token" the one sent stays current
  std::size_t pad_to = 0;           // bytes: the body is filled up with spaces
  std::function<void()> meanwhile = {};  // called at the stage, on the server's thread
};

// The certificate that the endpoint shows.
enum class Identity { trusted, other_authority, other_host };

struct Counters {
  std::size_t connections = 0;  // TCP connections accepted
  std::size_t posts = 0;        // refresh requests read
  std::size_t refreshes = 0;    // of those, granted, whether or not the client learned of it
  std::size_t reuses = 0;       // of those, with a refresh token that had been rotated away
};

struct TokenEndpointSettings {
  AuthorizationSettings authorization;
  Identity identity = Identity::trusted;
};

// Listens from construction to destruction; destruction ends all exchanges. Thread-safe. Besides the token
// endpoint itself there is GET /api/whoami, a resource that answers 200 to a valid Bearer token (RFC 6750)
// and else 401.
class TokenEndpoint {
 public:
  using Settings = TokenEndpointSettings;

  // Throws std::system_error or std::runtime_error if it cannot listen or make its certificate.
  explicit TokenEndpoint(Settings settings = {});
  ~TokenEndpoint();

  // "https://localhost:PORT", without a path.
  std::string origin() const;
  // origin() + "/v1/oauth/token".
  std::string url() const;
  // What a client needs as its CA file, in PEM. All endpoints of a process share one authority.
  static std::string ca_pem();

  Login issue_login();
  Login issue_login(std::chrono::seconds expires_in);
  bool accepts_access_token(const std::string& token) const;
  bool accepts_refresh_token(const std::string& token) const;

  // Queues a step. Without one, exchanges take their normal course.
  void script(Step step);

  // All requests so far, those for other paths included, in the order of arrival.
  std::vector<Request> requests() const;
  // How often each refresh token was sent; more than once is a client's mistake.
  std::map<std::string, std::size_t> posts_by_refresh_token() const;
  Counters counters() const;
  // When the last answer that grants or refuses a refresh was ready to be sent.
  std::chrono::system_clock::time_point answered_at() const;
  // True as soon as `reached` is; false when `bound` is over.
  bool wait_until(const std::function<bool(const Counters&)>& reached, std::chrono::milliseconds bound) const;

  // Lets `handler` answer what is below /control/. Those requests are neither recorded nor counted.
  using Handler = std::function<Reply(const Request&)>;
  void handle_control(Handler handler);

 private:
  struct Worker {
    std::atomic<bool> done = false;
    std::jthread thread;
  };

  void accept_connections();
  void serve(UniqueFd socket);
  bool serve_request(HttpsConnection& connection, const Request& request);
  bool serve_control(HttpsConnection& connection, const Request& request);
  bool serve_refresh(HttpsConnection& connection, const Request& request);
  Reply refresh(const Request& request, const Step& step);
  Reply whoami(const Request& request) const;
  Step next_step(Stage first, Stage last);
  Counters current_counters() const;

  const Settings settings_;
  const OpensslPtr<SSL_CTX> context_;
  const UniqueFd listener_;
  const UniqueFd stop_;  // readable from the destructor on

  mutable std::mutex mutex_;  // guards what follows, up to the threads
  mutable std::condition_variable changed_;
  AuthorizationServer authorization_;
  std::deque<Step> script_;
  std::vector<Request> requests_;
  Counters counters_;
  std::chrono::system_clock::time_point answered_at_;
  Handler control_;
  bool stopping_ = false;

  std::list<Worker> workers_;  // one for each connection; the acceptor's own
  std::thread acceptor_;
};

}  // namespace oci_oauth::test
