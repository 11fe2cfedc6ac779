// SPDX-License-Identifier: Apache-2.0
#include "proxy/nginx_configuration.h"

#include "base/fmt.h"

namespace oci_oauth {

namespace {

constexpr std::string_view end_of_scheme = "://";
constexpr std::string_view blanks = " \t";

std::string_view next_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line.substr(0, line.find('#'));
}

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(blanks));
  line.remove_prefix(word.size());
  return word;
}

std::string_view after_scheme(std::string_view origin) {
  return origin.substr(origin.find(end_of_scheme) + end_of_scheme.size());
}

std::string in_brackets(std::string_view address) {
  return address.find(':') == address.npos ? std::string(address) : fmt::format("[{}]", address);
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

// {0}: number of the profile, {1}: its name, {2}: request size, {3}: rate, {4}: directory, {5}: the API's
// address, {6}: its host, {7}: its port, {8}: certificates, {9}: Host header, {10}: what both requests for a
// token have, {11}: "https://"
constexpr std::string_view server = R"(
  limit_req_zone $proxy_protocol_addr zone=profile{0}:4m rate={3}r/m;
  server {{
    listen unix:{4}/{1}.sock proxy_protocol backlog=4096;
    server_name_in_redirect off;
    client_max_body_size {2};
    set $host_of_api "{5}";

    # The token is for this server only.
    proxy_ssl_verify on;
    proxy_ssl_verify_depth 4;
    proxy_ssl_trusted_certificate {8};
    proxy_ssl_server_name on;
    proxy_ssl_name {6};
    proxy_ssl_protocols TLSv1.2 TLSv1.3;

    # Neither the client's credentials nor what is meant for the next hop (RFC 9110 section 7.6.1) is passed on.
    proxy_set_header Host {9};
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
      proxy_pass {11}$host_of_api{7}$request_uri;
    }}
    # The request is here as a whole, and is sent once more with the token of after a refresh.
    location @again {{
      auth_request /.again;
      auth_request_set $authorization $upstream_http_x_authorization;
      error_page 401 =503 @none;
      proxy_pass {11}$host_of_api{7}$request_uri;
    }}
    location @none {{
      return 503 '{{"type":"error","error":{{"type":"api_error","message":"oci-oauth: there is no valid token on this host, see oci-oauth status"}}}}\n';
    }}
    location = /.token {{
      internal;
      proxy_set_header Authorization "";
      proxy_pass http://unix:{4}/token.sock:/token/{1};
{10}    }}
    location = /.again {{
      internal;
      proxy_set_header X-Rejected $authorization;
      proxy_pass http://unix:{4}/token.sock:/again/{1};
{10}    }}
  }}
)";

constexpr std::string_view desk = R"(      proxy_pass_request_headers off;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_buffer_size 16k;
      proxy_buffers 4 16k;
      proxy_busy_buffers_size 16k;
)";

constexpr std::string_view names_begin = "# profiles: ";

// {0}: directory, {1}: names of profiles, {2}: name servers
constexpr std::string_view common =
    R"nginx(# Made by oci-oauth-proxy from the configuration; changes are lost.
{1}
daemon off;
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
{2}  server_tokens off;
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
)nginx";

std::string server_of(const NginxSettings& settings, const ProxiedProfile& profile, size_t number) {
  const std::string_view url = profile.api.url, rate = profile.api.rate;
  return allowed_requests(profile, fmt::format("is_allowed{}", number)) +
         fmt::format(server, number, profile.name, profile.api.request_size, rate.substr(0, rate.find('/')),
                     settings.directory,
                     profile.address.empty() ? std::string(host_of(url)) : in_brackets(profile.address),
                     host_of(url), port_of(url), settings.certificates, after_scheme(url), desk,
                     url.substr(0, url.size() - after_scheme(url).size()));
}

}  // namespace

std::string nginx_configuration(const NginxSettings& settings) {
  const std::string resolver =
      settings.name_servers.empty()
          ? ""
          : fmt::format("  resolver {} valid=30s;\n", fmt::join(settings.name_servers, " "));
  std::string names(names_begin), servers;
  size_t number = 0;
  for (const ProxiedProfile& profile : settings.profiles) {
    names += (number == 0 ? "" : " ") + profile.name;
    servers += server_of(settings, profile, ++number);
  }
  return fmt::format(common, settings.directory, names, resolver) + servers + "}\n";
}

std::vector<std::string> profiles_in(std::string_view nginx_configuration) {
  const size_t begin = nginx_configuration.find(names_begin);
  if (begin == nginx_configuration.npos) return {};
  nginx_configuration.remove_prefix(begin + names_begin.size());
  std::string_view line = nginx_configuration.substr(0, nginx_configuration.find('\n'));
  std::vector<std::string> names;
  for (std::string_view name = next_word(line); !name.empty(); name = next_word(line))
    names.emplace_back(name);
  return names;
}

std::vector<std::string> name_servers_in(std::string_view resolv_conf) {
  std::vector<std::string> servers;
  while (!resolv_conf.empty()) {
    std::string_view line = next_line(resolv_conf);
    if (next_word(line) != "nameserver") continue;
    // nginx takes no zone.
    const std::string_view address = next_word(line);
    if (address.find('%') == address.npos && !address.empty()) servers.push_back(in_brackets(address));
  }
  return servers;
}

std::string address_in(std::string_view hosts, std::string_view host) {
  while (!hosts.empty()) {
    std::string_view line = next_line(hosts);
    const std::string_view address = next_word(line);
    for (std::string_view name = next_word(line); !name.empty(); name = next_word(line)) {
      if (name == host) return std::string(address);
    }
  }
  return {};
}

std::string_view host_of(std::string_view origin) {
  origin = after_scheme(origin);
  return origin.substr(0, origin.starts_with('[') ? origin.find(']') + 1 : origin.find(':'));
}

std::string_view port_of(std::string_view origin) {
  const std::string_view port = after_scheme(origin).substr(host_of(origin).size());
  if (!port.empty()) return port;
  return origin.starts_with("https") ? ":443" : ":80";
}

}  // namespace oci_oauth
