// SPDX-License-Identifier: Apache-2.0
#include "proxy/nginx_configuration.h"

#include "support/catch.h"

using namespace oci_oauth;
using Catch::Contains;

namespace {

NginxSettings settings_for(const std::string& url) {
  Api api;
  api.url = url;
  api.requests = {"POST /v1/messages", "GET /v1/models/*"};
  return {"/run/oci-oauth-proxy", "/ca.pem", {"192.0.2.53"}, {{"claude", api, ""}}};
}

}  // namespace

TEST_CASE("a profile has a server on a socket of its own, with the provider's requests",
          "[nginx_configuration]") {
  const std::string text = nginx_configuration(settings_for("https://api.example.com"));
  CHECK_THAT(text, Contains("listen unix:/run/oci-oauth-proxy/claude.sock proxy_protocol"));
  CHECK_THAT(text, Contains("\"~^POST /v1/messages(\\?.*)?$\" 1;"));
  CHECK_THAT(text, Contains("\"~^GET /v1/models/[A-Za-z0-9_~-][A-Za-z0-9._~-]*(\\?.*)?$\" 1;"));
  CHECK_THAT(text, Contains("client_max_body_size 64m;"));
  CHECK_THAT(text, Contains("rate=600r/m;"));
  CHECK_THAT(text, Contains("proxy_ssl_name api.example.com;"));
  CHECK_THAT(text, Contains("set $host_of_api \"api.example.com\";"));
  CHECK_THAT(text, Contains("https://$host_of_api:443$request_uri"));
  CHECK_THAT(text, Contains("resolver 192.0.2.53 valid=30s;"));
}

TEST_CASE("a name of /etc/hosts is not asked for at a name server", "[nginx_configuration]") {
  NginxSettings settings = settings_for("https://api.example.com:8443");
  settings.profiles.front().address = "::1";
  const std::string text = nginx_configuration(settings);
  CHECK_THAT(text, Contains("set $host_of_api \"[::1]\";"));
  CHECK_THAT(text, Contains("https://$host_of_api:8443$request_uri"));
  CHECK_THAT(text, Contains("proxy_set_header Host api.example.com:8443;"));
}

TEST_CASE("an API on a loopback address may have no TLS", "[nginx_configuration]") {
  const std::string text = nginx_configuration(settings_for("http://127.0.0.1"));
  CHECK_THAT(text, Contains("proxy_pass http://$host_of_api:80$request_uri"));
  CHECK_THAT(text, Contains("proxy_set_header Host 127.0.0.1;"));
}

TEST_CASE("the configuration names its profiles", "[nginx_configuration]") {
  NginxSettings settings = settings_for("https://api.example.com");
  CHECK(profiles_in(nginx_configuration(settings)) == std::vector<std::string>{"claude"});
  settings.profiles.push_back(settings.profiles.front());
  settings.profiles.back().name = "other";
  CHECK(profiles_in(nginx_configuration(settings)) == std::vector<std::string>{"claude", "other"});
  for (const char* text : {"", "# profiles", "# profiles: ", "# profiles: \nevents {}"})
    CHECK(profiles_in(text).empty());
}

TEST_CASE("name servers are read from resolv.conf", "[nginx_configuration]") {
  CHECK(name_servers_in(
            "# x\nsearch a\nnameserver 127.0.0.53 # y\nnameserver\t2001:db8::1\nnameserver fe80::1%eth0\n"
            "nameserver\nnameservers 1.1.1.1") == std::vector<std::string>{"127.0.0.53", "[2001:db8::1]"});
  CHECK(name_servers_in("").empty());
}

TEST_CASE("addresses are read from hosts", "[nginx_configuration]") {
  constexpr auto hosts = "# 1.1.1.1 api\n127.0.0.1 localhost\n ::1\tip6 api.example.com # c\n";
  CHECK(address_in(hosts, "api.example.com") == "::1");
  CHECK(address_in(hosts, "localhost") == "127.0.0.1");
  CHECK(address_in(hosts, "api").empty());
}
