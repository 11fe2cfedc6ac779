// SPDX-License-Identifier: Apache-2.0
#include "support/token_endpoint.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "support/json_text.h"

namespace oci_oauth::test {
namespace {

constexpr const char* token_path = "/v1/oauth/token";
constexpr const char* whoami_path = "/api/whoami";
constexpr const char* control_prefix = "/control/";

const CertificateAuthority& authority() {
  static const CertificateAuthority shared;
  return shared;
}

KeyAndCertificate issue_certificate(Identity identity) {
  const std::string names = "DNS:localhost,IP:127.0.0.1";
  switch (identity) {
    case Identity::trusted:
      return authority().issue(names);
    case Identity::other_authority:
      return CertificateAuthority().issue(names);
    case Identity::other_host:
      return authority().issue("DNS:elsewhere.invalid");
  }
  throw std::logic_error("no such identity");
}

const KeyAndCertificate& server_certificate(Identity identity) {
  static const std::array<KeyAndCertificate, 3> shared{issue_certificate(Identity::trusted),
                                                       issue_certificate(Identity::other_authority),
                                                       issue_certificate(Identity::other_host)};
  return shared.at(static_cast<std::size_t>(identity));
}

OpensslPtr<SSL_CTX> make_context(Identity identity) {
  const KeyAndCertificate& own = server_certificate(identity);
  OpensslPtr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
  if (!context || SSL_CTX_use_certificate(context.get(), own.certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), own.key.get()) != 1) {
    throw std::runtime_error("openssl: cannot set up a server");
  }
  // Each connection is a full handshake, and nothing but answers follows it.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  return context;
}

void check(bool ok, const char* what) {
  if (!ok) throw std::system_error(errno, std::generic_category(), what);
}

UniqueFd listen_on_loopback() {
  constexpr int backlog = 1024;
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  check(static_cast<bool>(listener), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
  check(::listen(listener.get(), backlog) == 0, "listen");
  return listener;
}

UniqueFd make_event() {
  UniqueFd event(::eventfd(0, EFD_CLOEXEC));
  check(static_cast<bool>(event), "eventfd");
  return event;
}

// Signals are for the test's own threads. SIGPIPE in particular: clients leave in the middle of an answer.
void block_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

// What the step does at this stage; true if the exchange goes on.
bool act(HttpsConnection& connection, const Step& step, Stage stage) {
  if (step.at != stage) return true;
  if (step.meanwhile) step.meanwhile();
  if (!connection.pause(step.delay)) return false;
  switch (step.ending) {
    case Ending::answer:
    case Ending::truncate:
      return true;
    case Ending::close:
      connection.close();
      return false;
    case Ending::reset:
      connection.reset();
      return false;
    case Ending::hang:
      connection.wait_for_client_to_leave();
      return false;
  }
  return false;
}

Reply error_reply(int status, const char* type) {
  return {status,
          {},
          json_object({{"type", R"("error")"}, {"error", json_object({{"type", json_quote(type)}})}})};
}

}  // namespace

TokenEndpoint::TokenEndpoint(Settings settings)
    : settings_(std::move(settings)),
      context_(make_context(settings_.identity)),
      listener_(listen_on_loopback()),
      stop_(make_event()),
      authorization_(settings_.authorization),
      acceptor_([this] { accept_connections(); }) {}

TokenEndpoint::~TokenEndpoint() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  ::eventfd_write(stop_.get(), 1);
  acceptor_.join();
}

std::string TokenEndpoint::origin() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  check(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  return "https://localhost:" + std::to_string(ntohs(address.sin_port));
}

std::string TokenEndpoint::url() const {
  return origin() + token_path;
}

std::string TokenEndpoint::ca_pem() {
  return authority().certificate_pem();
}

Login TokenEndpoint::issue_login() {
  return issue_login(settings_.authorization.expires_in);
}

Login TokenEndpoint::issue_login(std::chrono::seconds expires_in) {
  const std::lock_guard lock(mutex_);
  return authorization_.issue_login(expires_in, std::chrono::steady_clock::now());
}

bool TokenEndpoint::accepts_access_token(const std::string& token) const {
  const std::lock_guard lock(mutex_);
  return authorization_.accepts_access_token(token, std::chrono::steady_clock::now());
}

bool TokenEndpoint::accepts_refresh_token(const std::string& token) const {
  const std::lock_guard lock(mutex_);
  return authorization_.accepts_refresh_token(token);
}

void TokenEndpoint::script(Step step) {
  const std::lock_guard lock(mutex_);
  script_.push_back(std::move(step));
}

std::vector<Request> TokenEndpoint::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::map<std::string, std::size_t> TokenEndpoint::posts_by_refresh_token() const {
  std::map<std::string, std::size_t> posts;
  for (const Request& request : requests()) {
    const auto sent = request.parameters.find("refresh_token");
    if (sent != request.parameters.end()) ++posts[sent->second];
  }
  return posts;
}

std::chrono::system_clock::time_point TokenEndpoint::answered_at() const {
  const std::lock_guard lock(mutex_);
  return answered_at_;
}

Counters TokenEndpoint::counters() const {
  const std::lock_guard lock(mutex_);
  return current_counters();
}

bool TokenEndpoint::wait_until(const std::function<bool(const Counters&)>& reached,
                               std::chrono::milliseconds bound) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, bound, [&] { return stopping_ || reached(current_counters()); });
  return reached(current_counters());
}

void TokenEndpoint::handle_control(Handler handler) {
  const std::lock_guard lock(mutex_);
  control_ = std::move(handler);
}

void TokenEndpoint::accept_connections() {
  block_signals();
  std::array<pollfd, 2> fds{{{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
  while (::poll(fds.data(), fds.size(), -1) > 0 && fds[1].revents == 0) {
    UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) continue;
    workers_.remove_if([](const Worker& worker) { return worker.done.load(); });
    Worker& worker = workers_.emplace_back();
    worker.thread = std::jthread([this, &worker, accepted = std::move(socket)]() mutable {
      serve(std::move(accepted));
      worker.done = true;
    });
  }
  workers_.clear();
}

void TokenEndpoint::serve(UniqueFd socket) {
  {
    const std::lock_guard lock(mutex_);
    ++counters_.connections;
  }
  changed_.notify_all();
  HttpsConnection connection(std::move(socket), context_.get(), stop_.get());
  const Step step = next_step(Stage::accepted, Stage::handshaken);
  if (!act(connection, step, Stage::accepted)) return;
  if (!connection.handshake()) return;
  if (!act(connection, step, Stage::handshaken)) return;
  while (const std::optional<Request> request = connection.read_request()) {
    if (!serve_request(connection, *request)) return;
  }
}

// True if the connection can be used again.
bool TokenEndpoint::serve_request(HttpsConnection& connection, const Request& request) {
  if (request.path.starts_with(control_prefix)) return serve_control(connection, request);
  const bool is_refresh = request.path == token_path && request.method == "POST";
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    if (is_refresh) ++counters_.posts;
  }
  changed_.notify_all();
  if (is_refresh) return serve_refresh(connection, request);
  return connection.send(request.path == whoami_path ? whoami(request) : error_reply(404, "not_found_error"));
}

bool TokenEndpoint::serve_control(HttpsConnection& connection, const Request& request) {
  Handler handler;
  {
    const std::lock_guard lock(mutex_);
    --counters_.connections;
    handler = control_;
  }
  connection.send(handler ? handler(request) : error_reply(404, "not_found_error"));
  connection.close();
  return false;
}

bool TokenEndpoint::serve_refresh(HttpsConnection& connection, const Request& request) {
  const Step step = next_step(Stage::received, Stage::rotated);
  if (!act(connection, step, Stage::received)) return false;
  Reply reply = step.reply && step.at == Stage::received ? *step.reply : refresh(request, step);
  if (!act(connection, step, Stage::rotated)) return false;
  if (step.reply) reply = *step.reply;
  if (reply.body.size() < step.pad_to) reply.body.resize(step.pad_to, ' ');
  {
    const std::lock_guard lock(mutex_);
    answered_at_ = std::chrono::system_clock::now();
  }
  if (step.ending == Ending::answer) return connection.send(reply);
  connection.send(reply, Body::truncated);
  connection.close();
  return false;
}

Reply TokenEndpoint::refresh(const Request& request, const Step& step) {
  const Rotation rotation = step.omit.count("refresh_token") != 0 ? Rotation::keep : Rotation::rotate;
  TokenAnswer answer;
  {
    const std::lock_guard lock(mutex_);
    answer = authorization_.refresh(request.parameters, rotation, std::chrono::steady_clock::now());
  }
  changed_.notify_all();
  if (answer.status == 200) {
    for (const auto& [name, value] : step.members) answer.members[name] = value;
    for (const std::string& name : step.omit) answer.members.erase(name);
  }
  return {answer.status, {{"Cache-Control", "no-store"}}, json_object(answer.members)};
}

Reply TokenEndpoint::whoami(const Request& request) const {
  constexpr std::string_view scheme = "Bearer ";
  const auto authorization = request.headers.find("authorization");
  const bool accepted = authorization != request.headers.end() && authorization->second.starts_with(scheme) &&
                        accepts_access_token(authorization->second.substr(scheme.size()));
  return accepted ? Reply{200, {}, R"({"authenticated":true})"} : error_reply(401, "authentication_error");
}

// The first step of the script if it acts between these stages; else the normal course.
Step TokenEndpoint::next_step(Stage first, Stage last) {
  const std::lock_guard lock(mutex_);
  if (script_.empty() || script_.front().at < first || script_.front().at > last) return {};
  Step step = std::move(script_.front());
  script_.pop_front();
  return step;
}

Counters TokenEndpoint::current_counters() const {
  Counters counters = counters_;
  counters.refreshes = authorization_.refreshes();
  counters.reuses = authorization_.reuses();
  return counters;
}

}  // namespace oci_oauth::test
