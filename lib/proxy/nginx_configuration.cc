// SPDX-License-Identifier: Apache-2.0
#include "proxy/nginx_configuration.h"

#include <unistd.h>

#include <initializer_list>
#include <utility>

#include "base/file.h"
#include "base/fmt.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr size_t nginx_file_limit = 16 * MiB;

constexpr const char* nginx_file = "nginx.conf";

// Debian's, or else Fedora's.
const char* certificates() {
  constexpr const char *debian = "/etc/ssl/certs/ca-certificates.crt",
                       *fedora = "/etc/pki/tls/certs/ca-bundle.crt";
  return ::access(debian, R_OK) != 0 && ::access(fedora, R_OK) == 0 ? fedora : debian;
}

// "https://", "api.example.com:8443", "api.example.com" and "8443", or the scheme's port if it names none.
struct OriginParts {
  std::string_view scheme, authority, host, port;
};

OriginParts parts_of_origin(std::string_view url) {
  const size_t begin = url.find("://") + 3;
  const std::string_view authority = url.substr(begin);
  const size_t end = authority.starts_with('[') ? authority.find(']') + 1 : authority.find(':');
  const std::string_view host = authority.substr(0, end), port = authority.substr(host.size());
  const std::string_view usual = url.starts_with("https") ? "443" : "80";
  return {url.substr(0, begin), authority, host, port.empty() ? usual : port.substr(1)};
}

// A regular expression for one of the provider's requests. It is matched as the client spelled it, because
// that is what the API gets: no encoding, no "..", no empty segment.
std::string pattern_of(const std::string& request) {
  return with_value(with_value(request, ".", "\\."), "*", "[A-Za-z0-9_~-][A-Za-z0-9._~-]*");
}

std::string allowed_requests(const ProxiedProfile& profile, std::string_view variable) {
  std::string text = fmt::format("  map \"$request_method $request_uri\" ${} {{\n    default 0;\n", variable);
  for (const std::string& request : profile.api.requests)
    text += fmt::format("    \"~^{}(\\?.*)?$\" 1;\n", pattern_of(request));
  return text + "  }\n";
}

constexpr const char* server = R"(
  # The proxy connects it to the API. Kept for less time than any API does, because a request may fail on a connection
  # that the API closes.
  upstream api<number> {
    server unix:<directory>/<profile>.api;
    keepalive 32;
    keepalive_timeout 4s;
  }
  limit_req_zone $proxy_protocol_addr zone=profile<number>:4m rate=<rate>r/m;
  server {
    listen unix:<directory>/<profile>.sock proxy_protocol backlog=4096;
    client_max_body_size <request_size>;

    # The token is for this server only.
    proxy_ssl_verify on;
    proxy_ssl_verify_depth 4;
    proxy_ssl_trusted_certificate <certificates>;
    proxy_ssl_server_name on;
    proxy_ssl_name <host>;
    proxy_ssl_protocols TLSv1.2 TLSv1.3;

    # Neither the client's credentials nor what is meant for the next hop (RFC 9110 section 7.6.1) is passed on.
    proxy_set_header Host <authority>;
    proxy_set_header Authorization $authorization;
    proxy_set_header X-Api-Key "";
    proxy_set_header Cookie "";
    proxy_set_header Proxy-Authorization "";
    proxy_set_header Proxy-Connection "";
    proxy_set_header Connection "";
    proxy_set_header Keep-Alive "";
    proxy_set_header Upgrade "";
    proxy_set_header TE "";
    proxy_set_header Trailer "";
    proxy_set_header Expect "";
    # Nor what some frameworks take for another method or path.
    proxy_set_header X-HTTP-Method-Override "";
    proxy_set_header X-HTTP-Method "";
    proxy_set_header X-Method-Override "";
    proxy_set_header X-Original-URL "";
    proxy_set_header X-Rewrite-URL "";
    proxy_hide_header Set-Cookie;
    proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;

    location / {
      if ($is_allowed<number> = 0) {
        return 403 '{"type":"error","error":{"type":"permission_error","message":"oci-oauth: the proxy on this host does not allow this request"}}\n';
      }
      limit_req zone=profile<number> burst=<rate> nodelay;
      auth_request /.token;
      auth_request_set $authorization $upstream_http_x_authorization;
      # The API refused the token, or there is none.
      proxy_intercept_errors on;
      error_page 401 = @again;
      proxy_pass <scheme>api<number>$request_uri;
    }
    # The request is here as a whole, and is sent once more with the token of after a refresh.
    location @again {
      auth_request /.again;
      auth_request_set $authorization $upstream_http_x_authorization;
      error_page 401 =503 @none;
      proxy_pass <scheme>api<number>$request_uri;
    }
    location @none {
      return 503 '{"type":"error","error":{"type":"api_error","message":"oci-oauth: there is no valid token on this host, see oci-oauth status"}}\n';
    }
    location ~ ^/\.(token|again)$ {
      internal;
      proxy_pass_request_headers off;
      proxy_pass_request_body off;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_set_header X-Rejected $authorization;
      proxy_buffer_size 16k;
      proxy_pass http://desk/$1/<profile>;
    }
  }
)";

constexpr std::string_view profile_begin = "# profile: ";

constexpr const char* common = R"nginx(# Made by oci-oauth-proxy from the configuration; changes are lost.
<profiles>daemon off;
pid <directory>/nginx.pid;
error_log stderr warn;
worker_processes auto;
events { worker_connections 16384; }
http {
  log_format oci_oauth '$proxy_protocol_addr $status $body_bytes_sent $time_iso8601 $request_method $path';
  access_log /proc/self/fd/1 oci_oauth;
  # Without the query, and short enough for one write to a pipe.
  map $request_uri $path { "~^(?<begin>[^?]{0,500})" $begin; }
  client_body_temp_path <directory>/body;
  proxy_temp_path <directory>/proxy;
  fastcgi_temp_path <directory>/unused;
  uwsgi_temp_path <directory>/unused;
  scgi_temp_path <directory>/unused;
  server_tokens off;
  default_type application/json;
  recursive_error_pages on;
  limit_req_status 429;
  # A request is kept until it is answered, to be sent once more; it is in memory, also in the directory.
  client_body_buffer_size 1m;
  # Answers are streamed (server-sent events).
  proxy_http_version 1.1;
  proxy_redirect off;
  proxy_buffering off;
  proxy_buffer_size 32k;
  proxy_buffers 4 32k;
  proxy_connect_timeout 30s;
  proxy_send_timeout 300s;
  proxy_read_timeout 600s;
  upstream desk {
    server unix:<directory>/token.sock;
    keepalive 32;
  }
)nginx";

// A value is not searched for the placeholders before its own.
std::string with_values(std::string text,
                        std::initializer_list<std::pair<std::string_view, std::string_view>> values) {
  for (const auto& [placeholder, value] : values) text = with_value(std::move(text), placeholder, value);
  return text;
}

std::string server_of(const NginxSettings& settings, const ProxiedProfile& profile, size_t number) {
  const auto [scheme, authority, host, port] = parts_of_origin(profile.api.url);
  std::string_view rate = profile.api.rate;
  return allowed_requests(profile, fmt::format("is_allowed{}", number)) +
         with_values(server, {{"<number>", std::to_string(number)},
                              {"<profile>", profile.name},
                              {"<request_size>", profile.api.request_size},
                              {"<rate>", next_part(rate, '/')},
                              {"<scheme>", scheme},
                              {"<host>", host},
                              {"<authority>", authority},
                              {"<certificates>", settings.certificates},
                              {"<directory>", settings.directory}});
}

Result<std::vector<ProxiedProfile>> proxied_profiles(const Config& config, const std::string& prefix) {
  std::vector<ProxiedProfile> profiles;
  for (const Profile& profile : config.profiles) {
    if (profile.delivery != Delivers::socket) continue;
    const auto provider = TRY(load_provider(profile, provider_directories(prefix)));
    TRY(check_complete(profile, provider));
    Api api = *provider.api;
    if (!profile.api_url.empty()) api.url = profile.api_url;
    profiles.push_back({profile.name, std::move(api)});
  }
  return profiles;
}

}  // namespace

std::string nginx_configuration(const NginxSettings& settings) {
  std::string profiles, servers;
  size_t number = 0;
  for (const ProxiedProfile& profile : settings.profiles) {
    const OriginParts api = parts_of_origin(profile.api.url);
    profiles += fmt::format("{}{} {} {}\n", profile_begin, profile.name, trimmed(api.host, "[]"), api.port);
    servers += server_of(settings, profile, ++number);
  }
  return with_values(common, {{"<profiles>", profiles}, {"<directory>", settings.directory}}) + servers +
         "}\n";
}

std::vector<PreparedProfile> profiles_in(std::string_view nginx_configuration) {
  std::vector<PreparedProfile> profiles;
  for (size_t at; (at = nginx_configuration.find(profile_begin)) != nginx_configuration.npos;) {
    nginx_configuration.remove_prefix(at + profile_begin.size());
    const auto [name, host, port] = parts_of<3>(first_line(nginx_configuration), ' ');
    profiles.push_back({std::string(name), std::string(host), std::string(port)});
  }
  return profiles;
}

Result<void> write_nginx_file(const Config& config, const std::string& prefix, const std::string& directory) {
  const std::string text =
      nginx_configuration({directory, certificates(), TRY(proxied_profiles(config, prefix))});
  const auto opened = TRY(open_file({.path = directory}, O_RDONLY | O_DIRECTORY));
  const auto known = read_file({opened.get(), nginx_file}, nginx_file_limit, Links::refused);
  if (known && *known == text) return {};
  return replace_file(opened.get(), nginx_file, directory, text, {.mode = 0644});
}

std::string nginx_file_in(const std::string& directory) {
  auto text = read_file({.path = fmt::format("{}/{}", directory, nginx_file)}, nginx_file_limit);
  return text ? std::move(*text) : "";
}

}  // namespace oci_oauth
