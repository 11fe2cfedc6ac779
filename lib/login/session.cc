// SPDX-License-Identifier: Apache-2.0
#include "login/session.h"

#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/text.h"
#include "exchange/credential_document.h"

namespace oci_oauth {

namespace {

bool reveals(std::string_view words, const Secret& secret) {
  return !secret.empty() && words.find(secret.reveal()) != words.npos;
}

ErrorKind kind_of(std::string_view error, long status) {
  if (error == "access_denied") return ErrorKind::action_required;
  return error == "expired_token" || status >= 500 || status == 429 ? ErrorKind::temporary
                                                                    : ErrorKind::failed;
}

}  // namespace

Terminal::Terminal() {
  if (::isatty(STDERR_FILENO) == 0) return;
  if (auto opened = open_file({.path = "/dev/tty"}, O_RDONLY)) input_ = std::move(*opened);
}

std::optional<std::string> Terminal::take_line() {
  char buffer[4 * KiB];  // of which the kernel keeps no more, termios(3)
  const ssize_t count = ::read(input_.get(), buffer, sizeof buffer);
  if (count <= 0) {
    input_.reset();
    return std::nullopt;
  }
  std::string_view line(buffer, static_cast<size_t>(count));
  return std::string(line.substr(0, line.find('\n')));
}

void Terminal::say(std::string_view text) const {
  (void)write_all(STDERR_FILENO, text, "stderr");
}

Result<Session> Session::open(const ExchangeRequest& request, const Login& login,
                              const SignalQueue& signals) {
  const Provider& provider = request.provider;
  Session session(signals);
  const TokenRequest& client = session.client_ =
      token_request(request.profile, provider, login, request.client_secret);
  session.token_body_ = client.body;
  session.members_ = provider.fields.answer;
  ServerMetadata& server = session.server_;
  if (!client.issuer.empty() || !client.resource.empty()) {
    auto found = discover(client);
    if (!found) return std::move(found).error().in("issuer");
    server = std::move(*found);
  }
  const std::pair<const std::string&, std::string&> given[] = {
      {client.url, server.token_url},
      {provider.authorization_url, server.authorization_url},
      {provider.device_authorization_url, server.device_authorization_url},
      {provider.revocation_url, server.revocation_url}};
  for (const auto& [word, endpoint] : given) {
    if (!word.empty()) endpoint = word;
  }
  return session;
}

Result<void> Session::wait(std::vector<pollfd> any, SteadyTime until) {
  any.push_back(readable(signals_.fd()));
  wait_readable(any, until);
  if (!signals_.take()) return {};
  return Error{ErrorKind::failed, "interrupted; nothing was changed"};
}

// RFC 8628 and RFC 7009 know one encoding only.
Result<HttpReply> Session::post(const std::string& url, const Parameters& parameters) {
  client_.url = url;
  client_.body = url == server_.token_url ? token_body_ : BodyEncoding::form;
  if (auto usable = check_url(url); !usable) return std::move(usable).error();
  RequestResult result = post_parameters(client_, parameters);
  if (const auto* failure = std::get_if<RequestFailure>(&result))
    return Error{ErrorKind::temporary, failure->message};
  return std::move(std::get<HttpReply>(result));
}

TokenAnswer Session::read(const HttpReply& reply) const {
  return read_token_answer(reply, now(), members_);
}

Error Session::refusal(std::string_view endpoint, const HttpReply& reply,
                       std::initializer_list<const Secret*> secrets) const {
  const auto json = parse_json_leniently(reply.body.reveal());
  const auto member = [&](const char* key) {
    const auto text = json ? json_string(*json, key) : std::nullopt;
    const bool is_safe = text && !reveals(*text, client_.client_secret) &&
                         std::ranges::none_of(secrets, [&](const auto* one) { return reveals(*text, *one); });
    return is_safe ? *text : std::string_view();
  };
  const std::string_view error = member("error");
  std::string message = fmt::format("{}: {}", endpoint, reply.status);
  if (!error.empty()) message += " " + server_words(error, member("error_description"));
  const bool is_of_client = error == "invalid_client" || error == "unauthorized_client";
  return {
      kind_of(error, reply.status), std::move(message),
      is_of_client ? "compare \"client_id\" and \"client_secret_file\" with the client at the server" : ""};
}

std::string server_words(std::string_view error, std::string_view description) {
  std::string words = printable(error, longest_words);
  if (!description.empty()) words += ": " + printable(description, longest_words);
  return words;
}

}  // namespace oci_oauth
