// SPDX-License-Identifier: Apache-2.0
#include "support/https_connection.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>
#include <utility>

#include "support/json_text.h"

namespace oci_oauth::test {
namespace {

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string trim(const std::string& text) {
  constexpr const char* white_space = " \t\r";
  const auto first = text.find_first_not_of(white_space);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(white_space) + 1 - first);
}

std::string percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    if (text[i] == '+') {
      decoded += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() &&
               std::from_chars(&text[i + 1], &text[i + 1] + 2, byte, 16).ptr == &text[i + 1] + 2) {
      decoded += static_cast<char>(byte);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

// application/x-www-form-urlencoded.
Parameters parse_form(const std::string& text) {
  Parameters parameters;
  std::istringstream fields(text);
  for (std::string field; std::getline(fields, field, '&');) {
    const auto equals = field.find('=');
    if (equals == std::string::npos) continue;
    const std::string_view view = field;
    parameters[percent_decode(view.substr(0, equals))] = percent_decode(view.substr(equals + 1));
  }
  return parameters;
}

Parameters parse_json_parameters(const std::string& text) {
  Parameters parameters;
  for (const auto& [name, value] : parse_json_object(text).value_or(JsonMembers())) {
    parameters[name] = json_plain(value);
  }
  return parameters;
}

std::string header(const Request& request, const std::string& name) {
  const auto found = request.headers.find(name);
  return found != request.headers.end() ? found->second : std::string();
}

// Request line and header fields; false if that is not what `head` holds.
bool parse_head(const std::string& head, Request& request) {
  std::istringstream lines(head);
  std::string target, version;
  if (!(lines >> request.method >> target >> version)) return false;
  const auto question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos) request.query = parse_form(target.substr(question + 1));

  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && line != "\r") {
    const auto colon = line.find(':');
    if (colon == std::string::npos) return false;
    request.headers[lower_case(line.substr(0, colon))] = trim(line.substr(colon + 1));
  }
  return true;
}

std::optional<std::size_t> content_length(const Request& request) {
  const std::string text = header(request, "content-length");
  std::size_t length = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), length);
  if (parsed.ptr != text.data() + text.size() || request.headers.count("transfer-encoding") != 0)
    return std::nullopt;
  return length;
}

std::string head_of(const Reply& reply) {
  std::string head = fmt::format("HTTP/1.1 {} \r\nContent-Length: {}\r\n", reply.status, reply.body.size());
  if (reply.headers.count("Content-Type") == 0) head += "Content-Type: application/json\r\n";
  for (const auto& [name, value] : reply.headers) head += fmt::format("{}: {}\r\n", name, value);
  return head + "\r\n";
}

}  // namespace

HttpsConnection::HttpsConnection(UniqueFd socket, SSL_CTX* context, int stop_fd)
    : socket_(std::move(socket)), stop_fd_(stop_fd), tls_(SSL_new(context)) {
  SSL_set_fd(tls_.get(), socket_.get());
}

bool HttpsConnection::handshake() {
  return complete([this] { return SSL_accept(tls_.get()); }) > 0;
}

std::optional<Request> HttpsConnection::read_request() {
  constexpr std::string_view end_of_head = "\r\n\r\n";
  while (received_.find(end_of_head) == std::string::npos) {
    if (!receive()) return std::nullopt;
  }
  const std::size_t head_size = received_.find(end_of_head) + end_of_head.size();
  Request request;
  if (!parse_head(received_.substr(0, head_size), request)) return std::nullopt;
  const std::optional<std::size_t> body_size = content_length(request);
  if (!body_size) return std::nullopt;
  while (received_.size() - head_size < *body_size) {
    if (!receive()) return std::nullopt;
  }
  request.body = received_.substr(head_size, *body_size);
  received_.erase(0, head_size + *body_size);
  const bool is_json = header(request, "content-type").starts_with("application/json");
  request.parameters = is_json ? parse_json_parameters(request.body) : parse_form(request.body);
  request.arrived = std::chrono::system_clock::now();
  return request;
}

bool HttpsConnection::send(const Reply& reply, Body body) {
  std::string bytes = head_of(reply) + reply.body;
  if (body == Body::truncated) bytes.resize(bytes.size() - (reply.body.size() + 1) / 2);
  std::size_t written = 0;
  return complete([&] { return SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &written); }) > 0;
}

bool HttpsConnection::pause(std::chrono::milliseconds duration) const {
  pollfd stop{stop_fd_, POLLIN, 0};
  return ::poll(&stop, 1, static_cast<int>(duration.count())) == 0;
}

void HttpsConnection::wait_for_client_to_leave() const {
  std::array<char, 4096> ignored;
  while (wait_for(POLLIN) && ::recv(socket_.get(), ignored.data(), ignored.size(), 0) > 0) {
  }
}

void HttpsConnection::close() {
  SSL_shutdown(tls_.get());
  ::shutdown(socket_.get(), SHUT_WR);
  wait_for_client_to_leave();
}

void HttpsConnection::reset() {
  const linger discard{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &discard, sizeof discard);
  socket_.reset();
}

// True if the socket is ready for `events`.
bool HttpsConnection::wait_for(short events) const {
  std::array<pollfd, 2> fds{{{socket_.get(), events, 0}, {stop_fd_, POLLIN, 0}}};
  return ::poll(fds.data(), fds.size(), -1) > 0 && fds[1].revents == 0;
}

// Repeats an OpenSSL call until it has done what it is for; its last result.
template <typename Operation>
int HttpsConnection::complete(Operation operation) {
  while (true) {
    ERR_clear_error();
    const int result = operation();
    const int reason = SSL_get_error(tls_.get(), result);
    const bool wants_read = reason == SSL_ERROR_WANT_READ;
    if (!wants_read && reason != SSL_ERROR_WANT_WRITE) return result;
    if (!wait_for(wants_read ? POLLIN : POLLOUT)) return -1;
  }
}

bool HttpsConnection::receive() {
  std::array<char, 16384> bytes;
  const int count =
      complete([&] { return SSL_read(tls_.get(), bytes.data(), static_cast<int>(bytes.size())); });
  if (count > 0) received_.append(bytes.data(), static_cast<std::size_t>(count));
  return count > 0;
}

}  // namespace oci_oauth::test
