// SPDX-License-Identifier: Apache-2.0
// Where nginx asks for the current token before it sends a request (auth_request), so that a rotation needs
// no reload; and once more after the API refused one. HTTP/1.0 on a Unix socket, for nginx alone:
//   GET /token/PROFILE                          the published token
//   GET /again/PROFILE, X-Rejected: Bearer TOKEN  the token after a report that TOKEN was rejected
// The answer is 200 with X-Authorization, or 401 if there is no token.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "program/log.h"
#include "proxy/event_loop.h"

namespace oci_oauth {

class TokenDesk {
 public:
  // Reports a token as rejected. Result: readable once the refresh is complete.
  using Report = std::function<Result<UniqueFd>(const std::string& profile, const Secret& token)>;

  TokenDesk(EventLoop& loop, UniqueFd listening, Report report, const Log& log);

  // Where the profile's token is published from now on: an open directory. Result: whether it is another one.
  bool set_share(const std::string& profile, UniqueFd share);
  std::optional<FileId> share_id(const std::string& profile) const;

  // How often a rejection is reported at most: what a container sends may make an API answer 401, whatever
  // the token is, and each report can cost a rotation.
  static constexpr Milliseconds report_interval = std::chrono::minutes(5);

 private:
  struct Caller {
    UniqueFd socket;
    std::string question = {};

    explicit Caller(UniqueFd connection) : socket(std::move(connection)) {}
    ~Caller() { wipe(question); }
  };
  using CallerPointer = std::shared_ptr<Caller>;
  struct Served {
    UniqueFd share;
    SteadyTime reported_at{};            // the last report of a rejection
    UniqueFd refresh;                    // the running one
    std::vector<CallerPointer> waiting;  // for its end
  };

  void read(const CallerPointer& caller);
  void serve(const CallerPointer& caller);
  void answer(const Caller& caller, const std::string& profile) const;
  void reject(const CallerPointer& caller, const std::string& profile, const Secret& token);
  void end_refresh(const std::string& profile);
  Secret token_of(const std::string& profile) const;  // empty: there is none

  EventLoop& loop_;
  UniqueFd listening_;
  std::map<std::string, Served> profiles_;
  Report report_;
  const Log& log_;
};

}  // namespace oci_oauth
