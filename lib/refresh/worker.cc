// SPDX-License-Identifier: Apache-2.0
#include "refresh/worker.h"

#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <memory>
#include <optional>

#include "base/file.h"
#include "base/path.h"
#include "base/process.h"
#include "refresh/login_owner.h"

namespace oci_oauth {

namespace {

volatile sig_atomic_t stop_requested = 0;

// While it lives, SIGTERM and SIGINT only set stop_requested.
class StopSignals {
 public:
  StopSignals() {
    struct sigaction action = {};
    action.sa_handler = [](int) { stop_requested = 1; };
    ::sigaction(SIGTERM, &action, &old_term_);
    ::sigaction(SIGINT, &action, &old_int_);
  }
  ~StopSignals() {
    ::sigaction(SIGTERM, &old_term_, nullptr);
    ::sigaction(SIGINT, &old_int_, nullptr);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  struct sigaction old_term_, old_int_;
};

// A kernel without Landlock, or a path that is not there yet, leaves the owner's own rights as the bound.
Result<void> confine_to_login(const std::string& credentials) {
  const std::unique_ptr<char, decltype(&::free)> real(::realpath(credentials.c_str(), nullptr), ::free);
  if (real == nullptr) return {};
  const std::string directory = parent_directory(real.get());
  auto confined = confine_writes(directory, {parent_directory(directory)});
  if (!confined) return std::move(confined).error();
  return {};
}

// Without real root there is nobody else to become; in a user namespace the ids of a path do not even tell
// its owners.
Result<void> drop_to(const std::optional<LoginOwner>& owner) {
  if (owner) return become(*owner);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Error::from_errno(errno, "PR_SET_NO_NEW_PRIVS");
  return {};
}

ExchangeReport run_as(const std::optional<LoginOwner>& owner, const ExchangeRequest& request) {
  auto ready = drop_to(owner);
  if (ready) ready = confine_to_login(request.profile.credentials);
  if (!ready) {
    ExchangeReport report;
    report.failure = {FailureKind::login, ready.error().message, ready.error().hint, {}, {}};
    return report;
  }
  return keep_fresh(request, [] { return stop_requested != 0; });
}

std::string read_to_end(int fd, pid_t child) {
  std::string text;
  bool told = false;
  for (char buffer[4096];;) {
    if (stop_requested != 0 && !told) told = ::kill(child, SIGTERM) == 0;
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(buffer, static_cast<size_t>(count));
    explicit_bzero(buffer, sizeof buffer);
  }
}

}  // namespace

Result<ExchangeReport> exchange_as_owner(const ExchangeRequest& request) {
  std::optional<LoginOwner> owner;
  if (is_host_root()) {
    auto found = find_login_owner(request.profile.credentials);
    if (!found) return std::move(found).error();
    owner.emplace(std::move(*found));
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error::from_errno(errno, "pipe");
  UniqueFd reading(ends[0]), writing(ends[1]);

  const StopSignals signals;
  const pid_t child = ::fork();
  if (child < 0) return Error::from_errno(errno, "fork");
  if (child == 0) {
    reading.reset();
    const Secret report = format_report(run_as(owner, request));
    const auto sent = write_all(writing.get(), report.reveal(), "report");
    ::_exit(sent ? 0 : 1);
  }
  writing.reset();
  const Secret text(read_to_end(reading.get(), child));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    return Error{ErrorKind::temporary, fmt::format("the exchange was killed by signal {}", WTERMSIG(status)),
                 "the next run completes what it left"};
  }
  return parse_report(text.reveal());
}

}  // namespace oci_oauth
