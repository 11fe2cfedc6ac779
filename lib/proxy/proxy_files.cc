// SPDX-License-Identifier: Apache-2.0
#include "proxy/proxy_files.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/fmt.h"
#include "base/size.h"
#include "base/unix_socket.h"
#include "config/provider.h"
#include "proxy/nginx_configuration.h"

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

Result<UniqueFd> listen_at(const std::string& path) {
  const sockaddr_un address = TRY(unix_address({.path = path}));
  ::unlink(path.c_str());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const mode_t before = ::umask(0177);
  const bool is_bound =
      socket && ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::umask(before);
  if (!is_bound || ::listen(socket.get(), SOMAXCONN) != 0) return Error::from_errno(errno, path);
  return socket;
}

}  // namespace oci_oauth
