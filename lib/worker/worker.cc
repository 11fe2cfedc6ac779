// SPDX-License-Identifier: Apache-2.0
#include "worker/worker.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>

#include "base/file.h"
#include "base/fmt.h"
#include "base/path.h"
#include "base/process.h"
#include "base/size.h"
#include "config/scope.h"
#include "worker/login_owner.h"
#include "worker/stop_signals.h"

namespace oci_oauth {

namespace {

constexpr size_t longest_report = 4 * MiB;

// Without Landlock in the kernel, only the owner's own rights confine it.
Result<void> confine_to_login(const std::string& credentials) {
  const std::unique_ptr<char, decltype(&::free)> real(::realpath(credentials.c_str(), nullptr), ::free);
  if (real == nullptr) {
    return Error::from_errno(errno, credentials)
        .with_hint("log in first, or correct \"credentials\" in the configuration");
  }
  const std::string directory = parent_directory(real.get());
  TRY(confine_writes(directory, {parent_directory(directory)}));
  return {};
}

// Without real root there is nobody else to become; in a user namespace, the ids on a path do not even
// identify its owners.
Result<void> drop_to(const std::optional<LoginOwner>& owner) {
  if (owner) return become(*owner);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Error::from_errno(errno, "PR_SET_NO_NEW_PRIVS");
  return {};
}

Error not_started(int reason, std::string_view what) {
  return Error::from_errno(reason, fmt::format("the exchange cannot be started: {}", what));
}

// What the program gets: opened by the caller, because the owner may not be able to.
struct Descriptors {
  UniqueFd program, request, report;
};

// Result: only a failure, because otherwise the program replaces the process.
Error become_program(const ExchangeRequest& request, const Descriptors& descriptors) {
  TRY(drop_to(request.owner));
  TRY(confine_to_login(request.profile.credentials));
  if (::dup2(descriptors.request.get(), STDIN_FILENO) < 0 ||
      ::dup2(descriptors.report.get(), STDOUT_FILENO) < 0)
    return not_started(errno, "dup2");
  const char* const arguments[] = {"oci-oauth-exchange", nullptr};
  const char* const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", nullptr};
  ::fexecve(descriptors.program.get(), const_cast<char* const*>(arguments),
            const_cast<char* const*>(environment));
  return not_started(errno, "execve");
}

// Result: whether the failure has been reported.
Result<void> report_failure(int fd, const Error& error) {
  ExchangeReport report;
  report.failure = {.kind = FailureKind::login, .message = error.message, .hint = error.hint};
  return send_report(fd, report);
}

[[noreturn]] void run_child(const ExchangeRequest& request, const Descriptors& descriptors) {
  const Error error = become_program(request, descriptors);
  ::_exit(report_failure(descriptors.report.get(), error) ? 0 : 1);
}

// In memory and not through a pipe, so that nobody waits for a reader.
Result<UniqueFd> readable(std::string_view text) {
  UniqueFd file(::memfd_create("request", MFD_CLOEXEC));
  if (!file) return not_started(errno, "memfd_create");
  TRY(write_all(file.get(), text, "request"));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return not_started(errno, "lseek");
  return file;
}

// What a program gets, except for where it reports to.
Result<Descriptors> prepare(const std::string& program, const ExchangeRequest& request, UniqueFd report) {
  auto executable = TRY(open_file({.path = program}, O_PATH));
  auto input = TRY(readable(write_record(request).reveal()));
  return Descriptors{std::move(executable), std::move(input), std::move(report)};
}

// Result: the line that the program wrote, or as much of it as it wrote, up to a limit. A request to end is
// passed on to a `child`; 0: it is not a child of ours.
std::string read_line(int fd, pid_t child) {
  // Signals are delivered only while we wait, so none is missed.
  sigset_t outside;
  ::sigprocmask(SIG_SETMASK, nullptr, &outside);
  StopSignals::block();
  std::string text;
  bool told = false;
  for (char buffer[4096]; !text.ends_with('\n');) {
    if (child != 0 && StopSignals::requested() && !told) told = ::kill(child, SIGTERM) == 0;
    pollfd event = {fd, POLLIN, 0};
    if (::ppoll(&event, 1, nullptr, &outside) < 0 && errno == EINTR) continue;
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || static_cast<size_t>(count) > longest_report - text.size()) break;
    append_secret(text, {buffer, static_cast<size_t>(count)});
    explicit_bzero(buffer, sizeof buffer);
  }
  ::sigprocmask(SIG_SETMASK, &outside, nullptr);
  return text;
}

// The program runs as the login's owner, who may have made it report anything: root publishes only the files
// that the provider names.
Result<ExchangeReport> checked_report(std::string_view text, const Provider& provider) {
  auto report = read_record<ExchangeReport>(text, "exchange report");
  if (!report) {
    return Error{ErrorKind::temporary, "the exchange exited without a report", "the next run completes it"};
  }
  if (!report->login) return report;
  const auto is_asked_for = [&](const auto& file) {
    return file.name == token_file ||
           std::ranges::any_of(provider.deliver, [&](const auto& asked) { return asked.name == file.name; });
  };
  if (!std::ranges::all_of(report->login->files, is_asked_for))
    return Error{ErrorKind::failed, "the exchange's report contains an unexpected file"};
  return report;
}

// A child that performs the exchange, and the pipe that it reports to.
struct Started {
  Child child;
  UniqueFd report;
};

// The signals that would end us are blocked until both processes have their own StopSignals.
Result<Started> start(const std::string& program, const ExchangeRequest& request) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return not_started(errno, "pipe");
  UniqueFd reading(ends[0]);
  const auto descriptors = TRY(prepare(program, request, UniqueFd(ends[1])));

  StopSignals::block();
  const pid_t child = ::fork();
  if (child == 0) run_child(request, descriptors);
  const int reason = errno;
  if (child > 0) return Started{Child(child), std::move(reading)};
  const StopSignals signals;  // unblocks them
  return not_started(reason, "fork");
}

ExchangeRun exchange_in_child(const std::string& program, const ExchangeRequest& request) {
  auto started = start(program, request);
  if (!started) return {std::move(started).error(), Child()};
  auto& [child, reading] = *started;
  const StopSignals signals;
  const Secret text(read_line(reading.get(), child.pid()));
  reading.reset();  // a child that has more to say must not wait for us
  if (text.reveal().ends_with('\n'))
    return {checked_report(text.reveal(), request.provider), std::move(child)};
  const int status = child.wait();
  if (WIFSIGNALED(status)) {
    const Error error = {ErrorKind::temporary,
                         fmt::format("the exchange was killed by signal {}", WTERMSIG(status)),
                         "the next run completes it"};
    return {error, Child()};
  }
  return {checked_report(text.reveal(), request.provider), Child()};
}

// Result: a connection on which the request was sent.
Result<UniqueFd> send_request(const std::string& path, std::string_view request) {
  const auto failure = [&](int reason) {
    return Error::from_errno(reason, path).with_hint("systemctl status oci-oauth-exchange.socket");
  };
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  if (path.size() >= sizeof address.sun_path) return failure(ENAMETOOLONG);
  path.copy(address.sun_path, path.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return failure(errno);
  for (std::string_view rest = request; !rest.empty();) {
    const ssize_t sent = ::send(socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return failure(errno);
    rest.remove_prefix(static_cast<size_t>(sent));
  }
  ::shutdown(socket.get(), SHUT_WR);
  return socket;
}

ExchangeRun exchange_at(const std::string& path, const ExchangeRequest& request) {
  const StopSignals signals;
  const auto socket = send_request(path, write_record(request).reveal());
  if (!socket) return {socket.error(), Child()};
  const Secret text(read_line(socket->get(), 0));
  return {checked_report(text.reveal(), request.provider), Child()};
}

}  // namespace

int Child::wait() {
  const pid_t pid = std::exchange(pid_, 0);
  return pid == 0 ? 0 : reap(pid);
}

ExchangeRun exchange_as_owner(const Exchanger& exchanger, ExchangeRequest request) {
  if (scope_of_caller() == Scope::system) {
    auto owner = find_login_owner(request.profile.credentials);
    if (!owner) return {std::move(owner).error(), Child()};
    request.owner.emplace(std::move(*owner));
  }
  return exchanger.socket.empty() ? exchange_in_child(exchanger.program, request)
                                  : exchange_at(exchanger.socket, request);
}

Error become_exchange(const std::string& program, const ExchangeRequest& request, UniqueFd report) {
  const UniqueFd told(::fcntl(report.get(), F_DUPFD_CLOEXEC, 0));
  const auto descriptors = prepare(program, request, std::move(report));
  Error error = descriptors ? become_program(request, *descriptors) : descriptors.error();
  (void)report_failure(told.get(), error);
  return error;
}

}  // namespace oci_oauth
