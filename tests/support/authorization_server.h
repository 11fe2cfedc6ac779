// SPDX-License-Identifier: Apache-2.0
// The state of an authorization server that rotates refresh tokens strictly: a client that ever sends one
// twice loses its login.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/json_text.h"

namespace oci_oauth::test {

// Parameters of a request (RFC 6749, appendix B), decoded.
using Parameters = std::map<std::string, std::string>;

struct Login {
  std::string access_token;
  std::string refresh_token;
  std::chrono::seconds expires_in;
  std::vector<std::string> scopes;
};

struct AuthorizationSettings {
  std::string access_token_prefix = "sk-ant-oat01-";
  std::string refresh_token_prefix = "sk-ant-ort01-";
  std::chrono::seconds expires_in{28800};
  std::vector<std::string> scopes{"user:inference", "user:profile"};
  // A request that lacks one of these is a 400 "Invalid request format", in the form of Anthropic's API
  // errors.
  std::vector<std::string> required_parameters;
};

// An answer of the token endpoint (RFC 6749, sections 5.1 and 5.2).
struct TokenAnswer {
  int status = 200;
  JsonMembers members;
};

enum class Rotation { rotate, keep };

// Not synchronised. Time is an argument, so that expiry can be tested without waiting.
class AuthorizationServer {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit AuthorizationServer(AuthorizationSettings settings);

  // A new login: a family of its own, whose first access token lives for `expires_in`.
  Login issue_login(std::chrono::seconds expires_in, TimePoint now);

  // A refresh (RFC 6749, section 6). A refresh token that was already rotated away revokes its family (RFC
  // 9700, section 4.14.2). With Rotation::keep the answer names no refresh token and the one sent stays
  // current.
  TokenAnswer refresh(const Parameters& request, Rotation rotation, TimePoint now);

  // Whether a resource server would accept the access token: issued here, not expired, family not revoked.
  bool accepts_access_token(const std::string& token, TimePoint now) const;

  // Whether the refresh token is the current one of a family that is not revoked.
  bool accepts_refresh_token(const std::string& token) const;

  // Requests that were granted: each made a new access token.
  std::size_t refreshes() const { return refreshes_; }

  // Requests with a refresh token that had been rotated away.
  std::size_t reuses() const { return reuses_; }

 private:
  struct Family {
    std::string refresh_token;
    std::vector<std::string> scopes;
    bool revoked = false;
  };
  struct AccessToken {
    std::shared_ptr<const Family> family;
    TimePoint expires_at;
  };

  bool has_required(const Parameters& request) const;
  std::string issue_access_token(const std::shared_ptr<Family>& family, std::chrono::seconds expires_in,
                                 TimePoint now);
  void issue_refresh_token(const std::shared_ptr<Family>& family);

  AuthorizationSettings settings_;
  std::map<std::string, std::shared_ptr<Family>> refresh_tokens_;  // every one ever issued
  std::map<std::string, AccessToken> access_tokens_;
  std::size_t refreshes_ = 0;
  std::size_t reuses_ = 0;
};

// Scopes as the space-separated list of RFC 6749, section 3.3.
std::string join_scopes(const std::vector<std::string>& scopes);

}  // namespace oci_oauth::test
