// SPDX-License-Identifier: Apache-2.0
#include "hook/freshen.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/process.h"
#include "base/unix_socket.h"
#include "base/wait.h"
#include "hook/attendant.h"
#include "program/hint.h"
#include "program/installed_programs.h"
#include "token/policy.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

namespace {

// It is not worth waiting for what a refresher does after releasing the lock (sinks, metrics).
constexpr Milliseconds longest_farewell = std::chrono::seconds(2);

Error no_token(const std::optional<Published>& published) {
  if (!published || !published->last_error)
    return {ErrorKind::temporary, "there is no valid token", "oci-oauth refresh"};
  return to_error(*published->last_error);
}

Error too_late() {
  return {ErrorKind::temporary, "no answer from the refresher in time",
          "the next refresh delivers the token to the container"};
}

// Result: nullopt if somebody else holds it beyond `deadline`.
Result<std::optional<FileLock>> lock(const RefreshRequest& request, LockMode mode, SteadyTime deadline) {
  auto lock = FileLock::acquire(request.runtime.lock_file(request.profile), mode, deadline);
  if (lock) return std::optional(std::move(*lock));
  if (lock.error().kind == ErrorKind::temporary) return std::optional<FileLock>();
  return std::move(lock).error();
}

// Returns once the running refresh is complete. Failure: too_late().
Result<void> wait_until_unlocked(const RefreshRequest& request, SteadyTime deadline) {
  const auto through = TRY(lock(request, LockMode::shared, deadline));
  return through ? Result<void>() : too_late();
}

Result<bool> has_looked(const RefreshRequest& request) {
  const auto published = TRY(request.runtime.published(request.profile));
  return published && published->attempts != request.attempts;
}

// Result: a connection on which the request was sent; empty if nobody listens.
UniqueFd ask_refresher(const RefreshRequest& request) {
  auto socket = connect_unix(request.runtime.socket_file());
  const std::string question = request.profile + "\n";
  const bool sent = socket && ::send(socket->get(), question.data(), question.size(), MSG_NOSIGNAL) ==
                                  static_cast<ssize_t>(question.size());
  return sent ? std::move(*socket) : UniqueFd();
}

// nullopt if no refresh is running.
std::optional<SteadyTime> beginning_of_attempt(const RefreshRequest& request) {
  const auto free = lock(request, LockMode::shared, SteadyTime{});
  if (!free || *free) return std::nullopt;
  return beginning_of_refresh(request.runtime.lock_file(request.profile), std::chrono::steady_clock::now());
}

Result<Attendant> start(const RefreshRequest& request, const FileLock& lock) {
  const auto prefix = TRY(installation_prefix(levels_of_hook));
  const std::string program = prefix + "/bin/oci-oauth";
  if (::access(program.c_str(), X_OK) != 0)
    return Error::from_errno(errno, program).with_hint(incomplete_hint);
  clear_refresh_mark(lock.fd());
  return Attendant::start({program, "--config", request.config, "refresh", "--lock-fd", "3", request.profile},
                          lock.fd(), request.container);
}

// The lock is exclusive while a refresh is running: all hooks that wait for its end share the lock, and wake
// together. A hook that has to start a refresh then queues for the exclusive lock; polling would only find
// the other waiting hooks.
Result<void> wait_for_own_refresh(const RefreshRequest& request, SteadyTime deadline) {
  auto ours = TRY(lock(request, LockMode::exclusive, SteadyTime{}));
  if (!ours) {
    TRY(wait_until_unlocked(request, deadline));
    // The refresh that was running may have ended without checking what we need.
    if (TRY(has_looked(request))) return {};
    ours = TRY(lock(request, LockMode::exclusive, deadline));
    if (!ours) return too_late();
  }
  if (TRY(has_looked(request))) return {};
  // From here on, the refresher holds the lock, which belongs to the open file description that it inherits.
  auto refresher = TRY(start(request, *ours));
  ours.reset();
  auto through = wait_until_unlocked(request, deadline);
  std::move(refresher).wait(std::min(deadline, std::chrono::steady_clock::now() + longest_farewell));
  return through;
}

}  // namespace

Result<Fresh> freshen(const Creation& creation, const Profile& profile) {
  const Time time = now();
  auto published = TRY(creation.runtime->published(profile.name));
  const RefreshRequest request = {*creation.runtime, profile.name, creation.call.config.path,
                                  creation.process->fd(), published ? published->attempts : 0};
  const bool is_changed = published && !login_is_unchanged(profile.credentials, *published);
  const Need need = need_of(published, is_changed ? LoginChange::changed : LoginChange::unchanged, time);
  if (need == Need::nothing) return judge(published, {}, time);
  if (need == Need::refresh) return judge(published, start_refresh(request), time);
  auto waited = wait_for_refresh(request, creation.began + profile.hook_wait);
  published = TRY(creation.runtime->published(profile.name));
  return judge(published, std::move(waited), now());
}

Need need_of(const std::optional<Published>& published, LoginChange login, Time time) {
  if (!published || login == LoginChange::changed) return Need::wait;
  const Freshness state = freshness(*published, time);
  if (published->has_token() && state == Freshness::fresh) return Need::nothing;
  // A dead login or a cool-down needs no refresher to report it again.
  if (published->is_futile(time)) return Need::nothing;
  return state == Freshness::due ? Need::refresh : Need::wait;
}

Result<Fresh> judge(const std::optional<Published>& published, Result<void> asked, Time time) {
  const bool is_valid = published && published->has_token() && time < published->expires_at;
  if (!is_valid) return asked ? no_token(published) : std::move(asked).error();
  Fresh fresh = {std::nullopt, published->shadowed_by};
  if (!asked) fresh.trouble = std::move(asked).error();
  return fresh;
}

SteadyTime shared_deadline(SteadyTime deadline, std::optional<SteadyTime> began, SteadyTime now) {
  return began ? deadline - (now - *began) : deadline;
}

Result<void> start_refresh(const RefreshRequest& request) {
  // A client that disconnects is served all the same.
  if (ask_refresher(request)) return {};
  const auto ours = TRY(lock(request, LockMode::exclusive, SteadyTime{}));
  if (ours) (void)TRY(start(request, *ours));
  return {};
}

Result<void> wait_for_refresh(const RefreshRequest& request, SteadyTime deadline) {
  deadline = shared_deadline(deadline, beginning_of_attempt(request), std::chrono::steady_clock::now());
  if (deadline <= std::chrono::steady_clock::now()) return too_late();
  if (const UniqueFd socket = ask_refresher(request)) {
    if (!wait_readable(socket.get(), deadline)) return too_late();
    char byte = 0;
    // The answer is one short line; its first byte means that the refresh is complete.
    if (::read(socket.get(), &byte, 1) == 1) return {};
  }
  return wait_for_own_refresh(request, deadline);
}

}  // namespace oci_oauth
