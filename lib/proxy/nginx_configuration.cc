// SPDX-License-Identifier: Apache-2.0
#include "proxy/nginx_configuration.h"

#include <unistd.h>

#include "base/file.h"
#include "base/fmt.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr size_t nginx_file_limit = 16 * MiB;

// Debian's, and Fedora's.
constexpr const char* certificate_files[] = {"/etc/ssl/certs/ca-certificates.crt",
                                             "/etc/pki/tls/certs/ca-bundle.crt"};

constexpr const char* nginx_file = "nginx.conf";

std::string certificates() {
  for (const char* path : certificate_files) {
    if (::access(path, R_OK) == 0) return path;
  }
  return certificate_files[0];
}

constexpr std::string_view end_of_scheme = "://";
std::string_view after_scheme(std::string_view origin) {
  return origin.substr(origin.find(end_of_scheme) + end_of_scheme.size());
}

// "api.example.com" of "https://api.example.com:8443", and "8443", or the scheme's port if it names none.
std::string_view host_of(std::string_view origin) {
  const std::string_view authority = after_scheme(origin);
  return authority.substr(0, authority.starts_with('[') ? authority.find(']') + 1 : authority.find(':'));
}

std::string_view port_of(std::string_view origin) {
  const std::string_view port = after_scheme(origin).substr(host_of(origin).size());
  if (!port.empty()) return port.substr(1);
  return origin.starts_with("https") ? "443" : "80";
}

// As getaddrinfo(3) takes it.
std::string_view without_brackets(std::string_view host) {
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

// A regular expression for one of the provider's requests. It is matched as the client spelled it, because
// that is what the API gets: no encoding, no "..", no empty segment.
std::string pattern_of(std::string_view request) {
  std::string pattern;
  for (const char c : request) {
    if (c == '.') {
      pattern += "\\.";
    } else if (c == '*') {
      pattern += "[A-Za-z0-9_~-][A-Za-z0-9._~-]*";
    } else {
      pattern += c;
    }
  }
  return pattern;
}

std::string allowed_requests(const ProxiedProfile& profile, std::string_view variable) {
  std::string text = fmt::format("  map \"$request_method $request_uri\" ${} {{\n    default 0;\n", variable);
  for (const std::string& request : profile.api.requests)
    text += fmt::format("    \"~^{}(\\?.*)?$\" 1;\n", pattern_of(request));
  return text + "  }\n";
}

// {0}: number of the profile, {1}: its name, {2}: request size, {3}: rate, {4}: directory, {5}: "https://",
// {6}: the API's host, {7}: Host header, {8}: certificates, {9}: what both requests for a token have
constexpr std::string_view server = R"(
  # The proxy connects it to the API. Kept for less time than any API does, because a request may fail on a connection
  # that the API closes.
  upstream api{0} {{
    server unix:{4}/{1}.api;
    keepalive 32;
    keepalive_timeout 4s;
  }}
  limit_req_zone $proxy_protocol_addr zone=profile{0}:4m rate={3}r/m;
  server {{
    listen unix:{4}/{1}.sock proxy_protocol backlog=4096;
    server_name_in_redirect off;
    client_max_body_size {2};

    # The token is for this server only.
    proxy_ssl_verify on;
    proxy_ssl_verify_depth 4;
    proxy_ssl_trusted_certificate {8};
    proxy_ssl_server_name on;
    proxy_ssl_name {6};
    proxy_ssl_protocols TLSv1.2 TLSv1.3;

    # Neither the client's credentials nor what is meant for the next hop (RFC 9110 section 7.6.1) is passed on.
    proxy_set_header Host {7};
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

    location / {{
      if ($is_allowed{0} = 0) {{
        return 403 '{{"type":"error","error":{{"type":"permission_error","message":"oci-oauth: the proxy on this host does not allow this request"}}}}\n';
      }}
      limit_req zone=profile{0} burst={3} nodelay;
      auth_request /.token;
      auth_request_set $authorization $upstream_http_x_authorization;
      # The API refused the token, or there is none.
      proxy_intercept_errors on;
      error_page 401 = @again;
      proxy_pass {5}api{0}$request_uri;
    }}
    # The request is here as a whole, and is sent once more with the token of after a refresh.
    location @again {{
      auth_request /.again;
      auth_request_set $authorization $upstream_http_x_authorization;
      error_page 401 =503 @none;
      proxy_pass {5}api{0}$request_uri;
    }}
    location @none {{
      return 503 '{{"type":"error","error":{{"type":"api_error","message":"oci-oauth: there is no valid token on this host, see oci-oauth status"}}}}\n';
    }}
    location = /.token {{
      internal;
      proxy_set_header Authorization "";
      proxy_pass http://desk/token/{1};
{9}    }}
    location = /.again {{
      internal;
      proxy_set_header X-Rejected $authorization;
      proxy_pass http://desk/again/{1};
{9}    }}
  }}
)";

constexpr std::string_view desk = R"(      proxy_pass_request_headers off;
      proxy_pass_request_body off;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_buffer_size 16k;
      proxy_buffers 4 16k;
      proxy_busy_buffers_size 16k;
)";

constexpr std::string_view profile_begin = "# profile: ";

// {0}: directory, {1}: profiles
constexpr std::string_view common =
    R"nginx(# Made by oci-oauth-proxy from the configuration; changes are lost.
{1}daemon off;
pid {0}/nginx.pid;
error_log stderr warn;
worker_processes auto;
events {{ worker_connections 16384; }}
http {{
  log_format oci_oauth '$proxy_protocol_addr $status $body_bytes_sent $time_iso8601 $request_method $path';
  access_log /proc/self/fd/1 oci_oauth;
  # Without the query, and short enough for one write to a pipe.
  map $request_uri $path {{ "~^(?<begin>[^?]{{0,500}})" $begin; }}
  client_body_temp_path {0}/body;
  proxy_temp_path {0}/proxy;
  fastcgi_temp_path {0}/unused;
  uwsgi_temp_path {0}/unused;
  scgi_temp_path {0}/unused;
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
  proxy_busy_buffers_size 64k;
  proxy_buffers 4 32k;
  proxy_connect_timeout 30s;
  proxy_send_timeout 300s;
  proxy_read_timeout 600s;
  upstream desk {{
    server unix:{0}/token.sock;
    keepalive 32;
  }}
)nginx";

std::string server_of(const NginxSettings& settings, const ProxiedProfile& profile, size_t number) {
  const std::string_view url = profile.api.url, rate = profile.api.rate;
  return allowed_requests(profile, fmt::format("is_allowed{}", number)) +
         fmt::format(server, number, profile.name, profile.api.request_size, rate.substr(0, rate.find('/')),
                     settings.directory, url.substr(0, url.size() - after_scheme(url).size()), host_of(url),
                     after_scheme(url), settings.certificates, desk);
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
    const std::string_view url = profile.api.url;
    profiles += fmt::format("{}{} {} {}\n", profile_begin, profile.name, without_brackets(host_of(url)),
                            port_of(url));
    servers += server_of(settings, profile, ++number);
  }
  return fmt::format(common, settings.directory, profiles) + servers + "}\n";
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
