// SPDX-License-Identifier: Apache-2.0
#include "http/http_request.h"

#include "support/catch.h"
#include "support/temp_dir.h"
#include "support/token_endpoint.h"

namespace oci_oauth {

using test::TokenEndpoint;

// What holds for every request is tested with the token request, token_request_test.cc.

TEST_CASE("a method, a bearer token and a body go out once, whatever the answer says") {
  TokenEndpoint endpoint;
  const TempDir directory;
  HttpRequest request;
  request.method = "PATCH";
  request.url = endpoint.origin() + GENERATE("/v1/secrets/x", "/api/whoami");  // 404, 401
  request.content_type = "application/json";
  request.body = Secret(std::string_view(R"({"value":"v"})"));
  request.bearer = Secret(std::string_view("the key"));
  request.ca_file = directory.write("ca.pem", TokenEndpoint::ca_pem());
  const auto result = send_request(request);
  REQUIRE(std::holds_alternative<HttpReply>(result));
  CHECK(std::get<HttpReply>(result).status >= 401);

  const auto requests = endpoint.requests();
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].method == "PATCH");
  CHECK(requests[0].headers.at("authorization") == "Bearer the key");
  CHECK(requests[0].headers.at("content-type") == "application/json");
  CHECK(requests[0].body == R"({"value":"v"})");
}

TEST_CASE("a URL is https, or http to a loopback address") {
  for (const char* url :
       {"https://platform.example/v1/oauth/token", "HTTPS://example:8443/", "http://localhost:1/",
        "http://127.0.0.1/token", "http://127.8.9.10:80/", "http://[::1]:8080/token"}) {
    CAPTURE(url);
    CHECK(check_url(url));
  }
  for (const char* url : {"", "localhost", "http://example/", "http://127.0.0.1.example/",
                          "http://localhost.example/", "http://128.0.0.1/", "http://[::2]/",
                          "ftp://localhost/", "file:///etc/passwd", "//localhost/", "https://"}) {
    CAPTURE(url);
    const auto checked = check_url(url);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().kind == ErrorKind::configuration);
    CHECK_THAT(checked.error().message, Catch::Contains("'" + std::string(url) + "'"));
  }
}

TEST_CASE("a password in a URL is refused and not shown") {
  const auto checked = check_url("https://me:hunter2@localhost/token");
  REQUIRE_FALSE(checked);
  CHECK_THAT(checked.error().message, !Catch::Contains("hunter2"));
}

TEST_CASE("characters with a meaning in a form or a path are encoded") {
  CHECK(percent_encode("a-Z_0.~").reveal() == "a-Z_0.~");
  CHECK(percent_encode(" &=+%/?").reveal() == "%20%26%3D%2B%25%2F%3F");
  CHECK(percent_encode("").reveal().empty());
}

}  // namespace oci_oauth
