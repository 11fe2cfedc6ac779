// SPDX-License-Identifier: Apache-2.0
// A login in the making: the server, the client, and the person.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "base/wait.h"
#include "exchange/server_metadata.h"
#include "exchange/token_answer.h"
#include "exchange/token_request.h"
#include "worker/exchange_request.h"

namespace oci_oauth {

// Is told on stderr, and answers on the terminal itself.
class Terminal {
 public:
  Terminal();

  bool has_person() const { return bool(input_); }  // who may answer
  int fd() const { return input_.get(); }           // readable once there is a line; -1: nobody may answer
  // nullopt: there is none, or will be no more.
  std::optional<std::string> take_line();

  void say(std::string_view text) const;

 private:
  UniqueFd input_;
};

class Session {
 public:
  // The server's endpoints: those of the provider and the profile, and for the others those of the issuer's
  // metadata. `signals`, which outlive it, end the login. Failure: as discover().
  static Result<Session> open(const ExchangeRequest& request, const Login& login, const SignalQueue& signals);

  const ServerMetadata& server() const { return server_; }
  const TokenRequest& client() const { return client_; }
  Terminal& terminal() { return terminal_; }

  // Until one of `any` is readable, or `until`. Failure: a signal asks us to end.
  Result<void> wait(std::vector<pollfd> any, SteadyTime until);

  // One request of the client to an endpoint. Failure (temporary): there is no answer.
  Result<HttpReply> post(const std::string& url, const Parameters& parameters);
  // What an answer of the token endpoint says.
  TokenAnswer read(const HttpReply& reply) const;
  // Why that endpoint refused, in the server's words: they contain none of `secrets`, nor the client's.
  Error refusal(std::string_view endpoint, const HttpReply& reply,
                std::initializer_list<const Secret*> secrets = {}) const;

 private:
  explicit Session(const SignalQueue& signals) : signals_(signals) {}

  TokenRequest client_;
  BodyEncoding token_body_ = {};
  ServerMetadata server_;
  Pairs members_;  // of an answer, that the document keeps
  const SignalQueue& signals_;
  Terminal terminal_;
};

constexpr size_t longest_words = 300;  // bytes of a server's text that are shown

// "access_denied", or "access_denied: the person said no": what a server says, without control characters.
std::string server_words(std::string_view error, std::string_view description);

}  // namespace oci_oauth
