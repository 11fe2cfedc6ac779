// SPDX-License-Identifier: Apache-2.0
#include "proxy/token_desk.h"

#include <sys/socket.h>

#include <cerrno>

#include "base/file.h"
#include "base/fingerprint.h"
#include "base/fmt.h"
#include "config/provider.h"

namespace oci_oauth {

namespace {

constexpr size_t longest_question = 64 * KiB;
constexpr size_t longest_token = 12 * KiB;  // of nginx's buffer for the answer's header

// RFC 6750 section 2.1: nothing that would end a header.
bool is_bearer_token(std::string_view token) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
  return !token.empty() && token.find_first_not_of(digits) == token.npos;
}

// What follows `begin` in a line of `text`, without the line's end; empty if there is no such line.
std::string_view line_after(std::string_view text, std::string_view begin) {
  const size_t at = text.find(begin);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = text.substr(at + begin.size());
  return rest.substr(0, rest.find_first_of(" \r\n"));
}

}  // namespace

TokenDesk::TokenDesk(EventLoop& loop, UniqueFd listening, Report report, const Log& log)
    : loop_(loop), listening_(std::move(listening)), report_(std::move(report)), log_(log) {
  loop_.accept(listening_.get(), [this](UniqueFd socket) {
    const auto caller = std::make_shared<Caller>(std::move(socket));
    loop_.watch(caller->socket.get(), EPOLLIN, [this, caller] { read(caller); });
  });
}

bool TokenDesk::set_share(const std::string& profile, UniqueFd share) {
  UniqueFd& known = profiles_[profile].share;
  if (known && file_id(known.get()) == file_id(share.get())) return false;
  known = std::move(share);
  return true;
}

std::optional<FileId> TokenDesk::share_id(const std::string& profile) const {
  const auto served = profiles_.find(profile);
  return served == profiles_.end() ? std::nullopt : file_id(served->second.share.get());
}

void TokenDesk::read(const CallerPointer& caller) {
  char buffer[4 * KiB];
  const ssize_t count = ::recv(caller->socket.get(), buffer, sizeof buffer, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0 || caller->question.size() > longest_question) return loop_.forget(caller->socket.get());
  append_secret(caller->question, {buffer, static_cast<size_t>(count)});
  explicit_bzero(buffer, sizeof buffer);
  if (!caller->question.ends_with("\r\n\r\n")) return;
  serve(caller);
  wipe(caller->question);
}

void TokenDesk::serve(const CallerPointer& caller) {
  if (const auto profile = line_after(caller->question, "GET /token/"); !profile.empty())
    return answer(*caller, std::string(profile));
  const std::string profile(line_after(caller->question, "GET /again/"));
  const Secret token(line_after(caller->question, "\r\nX-Rejected: Bearer "));
  return token.empty() ? answer(*caller, profile) : reject(caller, profile, token);
}

Secret TokenDesk::token_of(const std::string& profile) const {
  const auto served = profiles_.find(profile);
  if (served == profiles_.end()) return {};
  auto text = read_file({served->second.share.get(), std::string(token_file), profile}, longest_token,
                        Links::refused);
  if (!text) return {};
  Secret token(std::move(*text));
  return is_bearer_token(token.reveal()) ? std::move(token) : Secret();
}

void TokenDesk::answer(const Caller& caller, const std::string& profile) const {
  const Secret token = token_of(profile);
  const std::string_view begin =
      token.empty() ? "HTTP/1.1 401 Unauthorized" : "HTTP/1.1 200 OK\r\nX-Authorization: Bearer ";
  std::string text;
  for (const std::string_view part :
       {begin, token.reveal(), std::string_view("\r\nContent-Length: 0\r\n\r\n")})
    append_secret(text, part);
  // It fits into the empty buffer of a socket.
  (void)::send(caller.socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
  wipe(text);
}

// Only a token that is still the current one is reported, and once for any number of requests that used it.
void TokenDesk::reject(const CallerPointer& caller, const std::string& profile, const Secret& token) {
  if (!(token_of(profile) == token)) return answer(*caller, profile);
  Served& served = profiles_[profile];
  if (!served.refresh) {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (served.reported_at == SteadyTime{} || now - served.reported_at >= report_interval) {
      served.reported_at = now;
      if (auto refresh = report_(profile, token)) {
        served.refresh = std::move(*refresh);
      } else {
        log_.write(Priority::warning,
                   std::move(refresh).error().in(fmt::format("profile '{}': rejected token", profile)));
      }
    }
    if (!served.refresh) return answer(*caller, profile);
    log_.write(Priority::warning, fmt::format("profile '{}': the API refused the token {}", profile,
                                              short_fingerprint(fingerprint(token))));
    loop_.watch(served.refresh.get(), EPOLLIN, [this, profile] { end_refresh(profile); });
  }
  loop_.change(caller->socket.get(), 0);
  served.waiting.push_back(caller);
}

void TokenDesk::end_refresh(const std::string& profile) {
  Served& served = profiles_[profile];
  loop_.forget(served.refresh.get());
  served.refresh.reset();
  for (const CallerPointer& caller : std::exchange(served.waiting, {})) {
    answer(*caller, profile);
    loop_.change(caller->socket.get(), EPOLLIN);
  }
}

}  // namespace oci_oauth
