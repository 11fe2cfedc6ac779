// SPDX-License-Identifier: Apache-2.0
#include "support/onecli_server.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>

namespace oci_oauth::test {
namespace {

constexpr timeval longest_wait = {10, 0};

using Stream = std::unique_ptr<BIO, decltype(&BIO_free_all)>;

void ensure(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(what);
}

// The value of a header field; the client writes names as they are written here.
std::string field(const std::string& head, const std::string& name) {
  const auto at = head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const auto start = at + name.size() + 4;
  return head.substr(start, head.find("\r\n", start) - start);
}

std::optional<OneCliRequest> read_request(BIO* stream) {
  std::string text;
  size_t wanted = std::string::npos, head_size = 0;
  for (char buffer[4096]; text.size() < wanted;) {
    const int count = BIO_read(stream, buffer, sizeof buffer);
    if (count <= 0) return std::nullopt;
    text.append(buffer, static_cast<size_t>(count));
    const auto end = text.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    head_size = end + 4;
    wanted = head_size + std::stoul("0" + field(text.substr(0, head_size), "Content-Length"));
  }
  const std::string head = text.substr(0, head_size);
  OneCliRequest request;
  std::istringstream(head) >> request.method >> request.path;
  request.authorization = field(head, "Authorization");
  request.content_type = field(head, "Content-Type");
  request.body = text.substr(head_size);
  return request;
}

std::string reply(int status, const std::string& body) {
  return fmt::format(
      "HTTP/1.1 {} \r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
      status, body.size(), body);
}

}  // namespace

OneCliServer::OneCliServer(OneCliSettings settings)
    : settings_(std::move(settings)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ensure(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
  ensure(::listen(listener_.get(), 64) == 0, "listen");
  if (settings_.tls) {
    const KeyAndCertificate own = authority_.issue("DNS:localhost,IP:127.0.0.1");
    context_.reset(SSL_CTX_new(TLS_server_method()));
    ensure(SSL_CTX_use_certificate(context_.get(), own.certificate.get()) == 1 &&
               SSL_CTX_use_PrivateKey(context_.get(), own.key.get()) == 1,
           "openssl");
  }
  thread_ = std::thread([this] { serve(); });
}

OneCliServer::~OneCliServer() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

std::string OneCliServer::url() const {
  sockaddr_in address = {};
  socklen_t size = sizeof address;
  ensure(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  return fmt::format("{}://localhost:{}", settings_.tls ? "https" : "http", ntohs(address.sin_port));
}

std::string OneCliServer::ca_pem() const {
  return authority_.certificate_pem();
}

std::vector<OneCliRequest> OneCliServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void OneCliServer::serve() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  pollfd events[] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
  while (::poll(events, 2, -1) > 0 && events[1].revents == 0) {
    const int socket = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (socket >= 0) serve_connection(socket);
  }
}

void OneCliServer::serve_connection(int socket) {
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &longest_wait, sizeof longest_wait);
  Stream stream(BIO_new_socket(socket, BIO_CLOSE), BIO_free_all);
  if (context_) stream.reset(BIO_push(BIO_new_ssl(context_.get(), 0), stream.release()));
  const auto request = read_request(stream.get());
  if (!request) return;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(*request);
  }
  const std::string text = answer(*request);
  BIO_write(stream.get(), text.data(), static_cast<int>(text.size()));
  if (context_) BIO_ssl_shutdown(stream.get());
}

std::string OneCliServer::answer(const OneCliRequest& request) const {
  if (settings_.fails_with != 0) return reply(settings_.fails_with, request.body);
  if (!settings_.api_key.empty() && request.authorization != "Bearer " + settings_.api_key) {
    return reply(401, R"({"error":"Unauthorized"})");
  }
  if (request.method != "PATCH" || request.path != settings_.prefix + settings_.secret_id) {
    return reply(404, R"({"error":"Secret not found"})");
  }
  return reply(200, R"({"success":true})");
}

}  // namespace oci_oauth::test
