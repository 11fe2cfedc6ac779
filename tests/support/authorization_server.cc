// SPDX-License-Identifier: Apache-2.0
#include "support/authorization_server.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace oci_oauth::test {
namespace {

std::string random_hex() {
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error("no random numbers");
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string parameter(const Parameters& request, const std::string& name) {
  const auto found = request.find(name);
  return found != request.end() ? found->second : std::string();
}

std::vector<std::string> split_scopes(const std::string& text) {
  std::istringstream words(text);
  return {std::istream_iterator<std::string>(words), {}};
}

bool includes_all(const std::vector<std::string>& granted, const std::vector<std::string>& requested) {
  return std::all_of(requested.begin(), requested.end(), [&](const std::string& scope) {
    return std::find(granted.begin(), granted.end(), scope) != granted.end();
  });
}

TokenAnswer error(const char* code, const char* description) {
  return {400, {{"error", json_quote(code)}, {"error_description", json_quote(description)}}};
}

TokenAnswer invalid_request_format() {
  return {400,
          {{"type", R"("error")"},
           {"error", R"({"type":"invalid_request_error","message":"Invalid request format"})"}}};
}

}  // namespace

std::string join_scopes(const std::vector<std::string>& scopes) {
  std::string text;
  for (const std::string& scope : scopes) {
    if (!text.empty()) text += ' ';
    text += scope;
  }
  return text;
}

AuthorizationServer::AuthorizationServer(AuthorizationSettings settings) : settings_(std::move(settings)) {}

Login AuthorizationServer::issue_login(std::chrono::seconds expires_in, TimePoint now) {
  const auto family = std::make_shared<Family>();
  family->scopes = settings_.scopes;
  issue_refresh_token(family);
  return {issue_access_token(family, expires_in, now), family->refresh_token, expires_in, family->scopes};
}

TokenAnswer AuthorizationServer::refresh(const Parameters& request, Rotation rotation, TimePoint now) {
  if (!has_required(request)) return invalid_request_format();
  if (parameter(request, "grant_type") != "refresh_token")
    return error("unsupported_grant_type", "not a refresh");

  const std::string sent = parameter(request, "refresh_token");
  const auto found = refresh_tokens_.find(sent);
  if (found == refresh_tokens_.end()) return error("invalid_grant", "unknown refresh token");
  const std::shared_ptr<Family> family = found->second;
  if (family->refresh_token != sent) {
    ++reuses_;
    family->revoked = true;
  }
  if (family->revoked) return error("invalid_grant", "refresh token revoked");

  const std::vector<std::string> requested = split_scopes(parameter(request, "scope"));
  if (!includes_all(family->scopes, requested)) return error("invalid_scope", "scope was not granted");

  ++refreshes_;
  const std::string access_token = issue_access_token(family, settings_.expires_in, now);
  TokenAnswer answer{200,
                     {{"token_type", R"("Bearer")"},
                      {"access_token", json_quote(access_token)},
                      {"expires_in", std::to_string(settings_.expires_in.count())},
                      {"scope", json_quote(join_scopes(requested.empty() ? family->scopes : requested))}}};
  if (rotation == Rotation::rotate) {
    issue_refresh_token(family);
    answer.members["refresh_token"] = json_quote(family->refresh_token);
  }
  return answer;
}

bool AuthorizationServer::accepts_access_token(const std::string& token, TimePoint now) const {
  const auto found = access_tokens_.find(token);
  return found != access_tokens_.end() && !found->second.family->revoked && now < found->second.expires_at;
}

bool AuthorizationServer::accepts_refresh_token(const std::string& token) const {
  const auto found = refresh_tokens_.find(token);
  return found != refresh_tokens_.end() && !found->second->revoked && found->second->refresh_token == token;
}

bool AuthorizationServer::has_required(const Parameters& request) const {
  return std::all_of(settings_.required_parameters.begin(), settings_.required_parameters.end(),
                     [&](const std::string& name) { return request.count(name) != 0; });
}

std::string AuthorizationServer::issue_access_token(const std::shared_ptr<Family>& family,
                                                    std::chrono::seconds expires_in, TimePoint now) {
  std::string token = settings_.access_token_prefix + random_hex();
  access_tokens_[token] = {family, now + expires_in};
  return token;
}

void AuthorizationServer::issue_refresh_token(const std::shared_ptr<Family>& family) {
  family->refresh_token = settings_.refresh_token_prefix + random_hex();
  refresh_tokens_[family->refresh_token] = family;
}

}  // namespace oci_oauth::test
