// SPDX-License-Identifier: Apache-2.0
#include "exchange/token_request.h"

#include "base/fmt.h"
#include "base/json.h"

namespace oci_oauth {

namespace {

Secret json_body(const Parameters& parameters) {
  JsonValue document = json_object();
  for (const auto& [name, value] : parameters) {
    json_set(document, name, value);
  }
  return write_json(document);
}

bool is_basic(const TokenRequest& request) {
  return !request.client_secret.empty() && request.authentication == ClientAuthentication::basic;
}

// Those of the request, of its client (RFC 6749 section 2.3.1, and 3.2.1 for a public one), and of the
// provider.
Secret request_body(const TokenRequest& request, Parameters parameters) {
  if (!is_basic(request)) {
    if (!request.client_id.empty()) parameters.emplace_back("client_id", request.client_id);
    if (!request.client_secret.empty())
      parameters.emplace_back("client_secret", request.client_secret.reveal());
  }
  for (const auto& [name, value] : request.parameters) parameters.emplace_back(name, value);
  return request.body == BodyEncoding::json ? json_body(parameters) : form_body(parameters);
}

const std::string& either(const std::string& own, const std::string& other) {
  return own.empty() ? other : own;
}

}  // namespace

HttpTarget token_endpoint(const Profile& profile, const Provider& provider) {
  return {.url = either(profile.token_url, provider.token_url),
          .user_agent = either(profile.user_agent, provider.user_agent),
          .ca_file = profile.ca_file,
          .proxy = profile.proxy};
}

TokenRequest token_request(const Profile& profile, const Provider& provider, const Login& login,
                           const Secret& client_secret) {
  TokenRequest request(token_endpoint(profile, provider));
  request.issuer = either(profile.issuer, either(login.issuer, provider.issuer));
  request.resource = either(profile.resource, login.resource);
  request.client_id = either(profile.client_id, either(login.client_id, provider.client_id));
  request.client_secret = (client_secret.empty() ? login.client_secret : client_secret).copy();
  request.authentication = login.authentication.value_or(provider.authentication);
  request.parameters = provider.parameters;
  request.parameters.insert(request.parameters.end(), login.parameters.begin(), login.parameters.end());
  request.body = provider.body;
  if (provider.scope == ScopeRule::stored) request.scopes = login.scopes;
  if (provider.scope != ScopeRule::none && request.scopes.empty())
    request.scopes = profile.scopes.empty() ? provider.scopes : profile.scopes;
  return request;
}

RequestResult post_parameters(const TokenRequest& request, const Parameters& parameters,
                              const RequestEvents& events) {
  HttpRequest http(request);
  http.content_type =
      request.body == BodyEncoding::json ? "application/json" : "application/x-www-form-urlencoded";
  http.body = request_body(request, parameters);
  if (is_basic(request)) {
    http.user = percent_encode(request.client_id);
    http.password = percent_encode(request.client_secret.reveal());
  }
  return send_request(http, events);
}

RequestResult post_token_request(const TokenRequest& request, const Secret& refresh_token,
                                 const RequestEvents& events) {
  if (auto checked = check_url(request.url); !checked) {
    return RequestFailure{RequestFailure::Sent::no, "token_url: " + checked.error().message};
  }
  // A URL without a path has the path "/" (RFC 3986 section 6.2.3).
  const bool has_path = request.resource.find('/', request.resource.find("://") + 3) != std::string::npos;
  const std::string resource = request.resource + (has_path || request.resource.empty() ? "" : "/");
  const std::string scope = fmt::format("{}", fmt::join(request.scopes, " "));
  Parameters parameters = {{"grant_type", "refresh_token"}, {"refresh_token", refresh_token.reveal()}};
  if (!scope.empty()) parameters.emplace_back("scope", scope);
  if (!resource.empty()) parameters.emplace_back("resource", resource);
  return post_parameters(request, parameters, events);
}

}  // namespace oci_oauth
