// SPDX-License-Identifier: Apache-2.0
#include "exchange/server_metadata.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/fmt.h"
#include "base/json.h"

namespace oci_oauth {

namespace {

constexpr const char* issuer_hint = "compare \"issuer\" with the server's documentation";

Error bad(const std::string& url, std::string_view reason) {
  return {ErrorKind::failed, fmt::format("{}: {}", url, reason), issuer_hint};
}

// Whether the array lists the word; also if there is no array.
bool may_have(const JsonValue& json, std::string_view key, std::string_view word) {
  const JsonValue* const list = json_member(json, key);
  if (list == nullptr || !list->IsArray()) return true;
  return std::ranges::any_of(list->GetArray(),
                             [&](const auto& one) { return one.IsString() && json_text(one) == word; });
}

Error no_metadata(const std::string& url, long status) {
  Error error = bad(url, fmt::format("answered {}", status));
  if (status >= 500 || status == 429) error.kind = ErrorKind::temporary;
  return error;
}

}  // namespace

std::vector<std::string> metadata_urls(std::string_view issuer) {
  while (issuer.ends_with('/')) issuer.remove_suffix(1);
  const size_t host = issuer.find("://");
  const size_t path = host == issuer.npos ? issuer.npos : issuer.find('/', host + 3);
  const std::string_view origin = issuer.substr(0, path), rest = issuer.substr(origin.size());
  return {fmt::format("{}/.well-known/oauth-authorization-server{}", origin, rest),
          fmt::format("{}/.well-known/openid-configuration", issuer)};
}

Result<ServerMetadata> parse_metadata(std::string_view text, const std::string& url,
                                      std::string_view issuer) {
  const auto json = TRY(parse_json(text, url));
  if (!json.IsObject()) return bad(url, "is not an object");
  ServerMetadata metadata;
  metadata.issuer = json_string(json, "issuer").value_or("");
  if (metadata.issuer != issuer) return bad(url, fmt::format("does not say that the issuer is '{}'", issuer));
  const std::pair<const char*, std::string*> endpoints[] = {
      {"token_endpoint", &metadata.token_url},
      {"authorization_endpoint", &metadata.authorization_url},
      {"device_authorization_endpoint", &metadata.device_authorization_url},
      {"revocation_endpoint", &metadata.revocation_url}};
  for (const auto& [key, endpoint] : endpoints) {
    *endpoint = json_string(json, key).value_or("");
    if (endpoint->empty()) continue;
    if (const auto usable = check_url(*endpoint); !usable)
      return bad(url, fmt::format("/{}: {}", key, usable.error().message));
  }
  const JsonValue* const names_itself = json_member(json, "authorization_response_iss_parameter_supported");
  metadata.names_itself = names_itself != nullptr && names_itself->IsTrue();
  metadata.supports_s256 = may_have(json, "code_challenge_methods_supported", "S256");
  return metadata;
}

Result<ServerMetadata> discover(const TokenRequest& client) {
  if (auto usable = check_url(client.issuer); !usable) return std::move(usable).error().in("issuer");
  HttpRequest request(client);
  request.method = "GET";
  std::optional<Error> first;
  for (const std::string& url : metadata_urls(client.issuer)) {
    request.url = url;
    const RequestResult result = send_request(request);
    if (const auto* failure = std::get_if<RequestFailure>(&result))
      return Error{ErrorKind::temporary, fmt::format("{}: {}", url, failure->message)};
    const auto& reply = std::get<HttpReply>(result);
    if (reply.status == 200) return parse_metadata(reply.body.reveal(), url, client.issuer);
    if (!first) first = no_metadata(url, reply.status);
  }
  return std::move(*first);
}

}  // namespace oci_oauth
