// SPDX-License-Identifier: Apache-2.0
#include "login/loopback.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "base/file.h"
#include "base/fmt.h"
#include "config/rules.h"

namespace oci_oauth {

namespace {

constexpr size_t longest_head = 16 * KiB, most_connections = 16;
constexpr auto patience = std::chrono::seconds(10);  // with one connection

std::string url_of(const LoopbackAddress& address) {
  return fmt::format("http://{}:{}{}", address.host, address.port, address.path);
}

std::string response(std::string_view status, std::string_view text) {
  const std::string page = fmt::format(
      "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>oci-oauth</title><p>{}</p></html>\n",
      text);
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n"
      "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n"
      "Content-Security-Policy: default-src 'none'\r\n\r\n{}",
      status, page.size(), page);
}

}  // namespace

std::optional<std::string> query_of_request(std::string_view head, std::string_view path) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const std::string begin = fmt::format("GET {}?", path);
  const size_t version = line.rfind(' ');
  if (!line.starts_with(begin) || !line.substr(version).starts_with(" HTTP/1.")) return std::nullopt;
  return std::string(line.substr(begin.size(), version - begin.size()));
}

LoopbackListener::LoopbackListener(UniqueFd fd, const LoopbackAddress& address)
    : fd_(std::move(fd)), path_(address.path), redirect_uri_(url_of(address)) {}

Result<LoopbackListener> LoopbackListener::open(const std::string& redirect_uri) {
  if (const auto address = LoopbackUrl::read(redirect_uri)) return listen(*address);
  if (auto v4 = listen({"127.0.0.1", 0, "/callback"})) return v4;
  return listen({"[::1]", 0, "/callback"});
}

// At a port that it finds where there is none.
Result<LoopbackListener> LoopbackListener::listen(LoopbackAddress address) {
  addrinfo hints = {}, *found = nullptr;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  const char* const host = address.host == "[::1]" ? "::1" : "127.0.0.1";
  if (const int failure = ::getaddrinfo(host, std::to_string(address.port).c_str(), &hints, &found))
    return Error{ErrorKind::failed, fmt::format("redirect_uri: {}: {}", host, ::gai_strerror(failure))};
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> name(found, freeaddrinfo);
  UniqueFd fd(::socket(name->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::bind(fd.get(), name->ai_addr, name->ai_addrlen) != 0 ||
      ::listen(fd.get(), most_connections) != 0 ||
      ::getsockname(fd.get(), name->ai_addr, &name->ai_addrlen) != 0)
    return Error::from_errno(errno, fmt::format("redirect_uri: {}", url_of(address)));
  address.port = ntohs(reinterpret_cast<const sockaddr_in*>(name->ai_addr)->sin_port);  // or sin6_port
  return LoopbackListener(std::move(fd), address);
}

std::vector<pollfd> LoopbackListener::waiting() const {
  std::vector<pollfd> any = {readable(fd_.get())};
  for (const Connection& connection : connections_) any.push_back(readable(connection.fd.get()));
  return any;
}

SteadyTime LoopbackListener::deadline() const {
  return connections_.empty() ? SteadyTime::max() : connections_.front().until;
}

void LoopbackListener::accept_new() {
  for (size_t i = 0; i < most_connections; ++i) {
    UniqueFd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) return;
    if (connections_.size() == most_connections) connections_.pop_front();
    connections_.push_back({std::move(fd), std::chrono::steady_clock::now() + patience});
  }
}

// Result: whether more is expected of it.
bool LoopbackListener::serve(Connection& connection, const Answer& answer) const {
  char buffer[4 * KiB];
  const ssize_t count = ::recv(connection.fd.get(), buffer, sizeof buffer, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (count <= 0 || connection.request.size() + static_cast<size_t>(count) > longest_head) return false;
  connection.request.append(buffer, static_cast<size_t>(count));
  if (connection.request.find("\r\n\r\n") == std::string::npos) return true;
  const auto query = query_of_request(connection.request, path_);
  const auto text = query ? answer(*query) : std::nullopt;
  const std::string reply = text ? response("200 OK", *text) : response("404 Not Found", "not found");
  (void)::send(connection.fd.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
  return false;
}

void LoopbackListener::serve(const Answer& answer) {
  accept_new();
  const SteadyTime time = std::chrono::steady_clock::now();
  connections_.remove_if(
      [&](Connection& connection) { return connection.until <= time || !serve(connection, answer); });
}

}  // namespace oci_oauth
