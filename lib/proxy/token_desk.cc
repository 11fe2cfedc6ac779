// SPDX-License-Identifier: Apache-2.0
#include "proxy/token_desk.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/fingerprint.h"
#include "base/fmt.h"
#include "base/size.h"
#include "config/provider.h"

namespace oci_oauth {

namespace {

constexpr size_t longest_question = 64 * KiB;
constexpr size_t longest_token = 12 * KiB;  // of nginx's buffer for the answer's header
constexpr std::string_view scheme = "Bearer ";

// RFC 6750 section 2.1: nothing that would end a header.
bool is_bearer_token(std::string_view token) {
  return !token.empty() && std::ranges::all_of(token, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~+/=").find(c) != std::string_view::npos;
  });
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
  loop_.watch(listening_.get(), EPOLLIN, [this] { accept(); });
}

bool TokenDesk::set_share(const std::string& profile, UniqueFd share) {
  UniqueFd& known = shares_[profile];
  if (known && file_id(known.get()) == file_id(share.get())) return false;
  known = std::move(share);
  return true;
}

std::optional<FileId> TokenDesk::share_id(const std::string& profile) const {
  const auto share = shares_.find(profile);
  return share == shares_.end() ? std::nullopt : file_id(share->second.get());
}

void TokenDesk::accept() {
  while (true) {
    UniqueFd socket(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) return;
    const int fd = socket.get();
    const Place place = callers_.emplace(callers_.end(), std::move(socket));
    loop_.watch(fd, EPOLLIN, [this, place] { read(place); });
  }
}

void TokenDesk::read(Place place) {
  char buffer[4 * KiB];
  const ssize_t count = ::recv(place->socket.get(), buffer, sizeof buffer, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  const bool is_too_long = place->question.size() > longest_question;
  if (count <= 0 || is_too_long) return close(place);
  append_secret(place->question, {buffer, static_cast<size_t>(count)});
  explicit_bzero(buffer, sizeof buffer);
  if (!place->question.ends_with("\r\n\r\n")) return;
  serve(place);
  wipe(place->question);
  place->question.clear();
}

void TokenDesk::serve(Place place) {
  const std::string_view question = place->question;
  if (const auto profile = line_after(question, "GET /token/"); !profile.empty())
    return answer(place, std::string(profile));
  const std::string profile(line_after(question, "GET /again/"));
  const Secret token(line_after(question, "\r\nX-Rejected: Bearer "));
  return token.empty() ? answer(place, profile) : reject(place, profile, token);
}

Secret TokenDesk::token_of(const std::string& profile) const {
  const auto share = shares_.find(profile);
  if (share == shares_.end()) return {};
  auto text =
      read_file({share->second.get(), std::string(token_file), profile}, longest_token, Links::refused);
  if (!text) return {};
  Secret token(std::move(*text));
  return is_bearer_token(token.reveal()) ? std::move(token) : Secret();
}

void TokenDesk::answer(Place place, const std::string& profile) const {
  const Secret token = token_of(profile);
  std::string text;
  append_secret(text,
                token.empty() ? "HTTP/1.1 401 Unauthorized\r\n" : "HTTP/1.1 200 OK\r\nX-Authorization: ");
  if (!token.empty()) {
    append_secret(text, scheme);
    append_secret(text, token.reveal());
    append_secret(text, "\r\n");
  }
  append_secret(text, "Content-Length: 0\r\n\r\n");
  // It fits into the empty buffer of a socket.
  (void)::send(place->socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
  wipe(text);
}

// Only a token that is still the current one is reported, and once for any number of requests that used it.
void TokenDesk::reject(Place place, const std::string& profile, const Secret& token) {
  if (!(token_of(profile) == token)) return answer(place, profile);
  Rejection& rejection = rejections_[profile];
  if (!rejection.refresh) {
    const SteadyTime now = std::chrono::steady_clock::now();
    const bool is_new =
        rejection.reported_at == SteadyTime{} || now - rejection.reported_at >= report_interval;
    if (is_new) {
      rejection.reported_at = now;
      rejection.refresh = report_(profile, token);
    }
    if (!rejection.refresh) return answer(place, profile);
    log_.write(Priority::warning, fmt::format("profile '{}': the API refused the token {}", profile,
                                              short_fingerprint(fingerprint(token))));
    loop_.watch(rejection.refresh.get(), EPOLLIN, [this, profile] { end_refresh(profile); });
  }
  loop_.change(place->socket.get(), 0);
  rejection.waiting.push_back(place);
}

void TokenDesk::end_refresh(const std::string& profile) {
  Rejection& rejection = rejections_[profile];
  loop_.forget(rejection.refresh.get());
  rejection.refresh.reset();
  for (const Place place : std::exchange(rejection.waiting, {})) {
    answer(place, profile);
    loop_.change(place->socket.get(), EPOLLIN);
  }
}

void TokenDesk::close(Place place) {
  loop_.forget(place->socket.get());
  callers_.erase(place);
}

}  // namespace oci_oauth
