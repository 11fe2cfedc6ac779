// SPDX-License-Identifier: Apache-2.0
#include "worker/worker.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/child.h"
#include "base/file.h"
#include "base/fmt.h"
#include "base/path.h"
#include "base/spawn.h"
#include "base/unix_socket.h"
#include "base/wait.h"
#include "config/scope.h"
#include "worker/login_owner.h"

namespace oci_oauth {

namespace {

constexpr size_t longest_report = 4 * MiB;

// Without Landlock in the kernel, only the owner's own rights confine it.
Result<void> confine_to_login(const ExchangeRequest& request) {
  const std::string& credentials = request.profile.credentials;
  auto real = real_path(credentials);
  const bool is_missing = !real;  // left to the program, which may create it
  if (is_missing) real = real_path(parent_directory(credentials));
  if (!real) return std::move(real).error().with_hint(hint_to_log_in(request.profile, request.provider));
  const std::string directory = is_missing ? *real : parent_directory(*real);
  TRY(confine_writes(directory));
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
  std::string name;
  UniqueFd program;
  MemoryFile request;
};

Result<Descriptors> prepare(const std::string& program, const ExchangeRequest& request) {
  auto executable = TRY(open_file({.path = program}, O_PATH));
  // In memory and not through a pipe: nobody waits for the other to read.
  auto input = TRY(MemoryFile::holding(write_record(request).reveal()));
  return Descriptors{base_name(program), std::move(executable), std::move(input)};
}

// Result: only a failure, because otherwise the program replaces the process.
Error become_program(const ExchangeRequest& request, const Descriptors& descriptors, int report) {
  TRY(drop_to(request.owner));
  // A command writes where it wants, with its user's rights.
  if (!request.profile.source) TRY(confine_to_login(request));
  if (::dup2(descriptors.request.fd(), STDIN_FILENO) < 0 || ::dup2(report, STDOUT_FILENO) < 0)
    return not_started(errno, "dup2");
  if (request.login && request.login->browser >= 0) ::fcntl(request.login->browser, F_SETFD, 0);
  const char* const arguments[] = {descriptors.name.c_str(), nullptr};
  const char* const environment[] = {system_path, nullptr};
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

// The line that the program writes, or as much of it as it writes, up to a limit.
class ReportLine {
 public:
  explicit ReportLine(UniqueFd fd) : fd_(std::move(fd)) { ::fcntl(fd_.get(), F_SETFL, O_NONBLOCK); }
  ~ReportLine() { wipe(text_); }
  ReportLine(const ReportLine&) = delete;
  ReportLine& operator=(const ReportLine&) = delete;

  int fd() const { return fd_.get(); }
  bool is_open() const { return bool(fd_); }  // more of it may come
  bool is_whole() const { return text_.ends_with('\n'); }
  std::string_view text() const { return text_; }

  void read_what_is_there() {
    char buffer[4096];
    ssize_t count = 0;
    while (!is_whole() && (count = ::read(fd_.get(), buffer, sizeof buffer)) > 0) {
      if (static_cast<size_t>(count) > longest_report - text_.size()) return fd_.reset();
      append_secret(text_, {buffer, static_cast<size_t>(count)});
      explicit_bzero(buffer, sizeof buffer);
    }
    if (is_whole() || count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) fd_.reset();
  }

 private:
  UniqueFd fd_;
  std::string text_;
};

// The program runs as the login's owner, who may have made it report anything: root publishes only the files
// that the provider names.
Result<ExchangeReport> checked_report(std::string_view text, const Provider& provider) {
  auto report = read_record<ExchangeReport>(text, "exchange report");
  if (!report) {
    return Error{ErrorKind::temporary, "the exchange exited without a report", "the next run completes it"};
  }
  if (!report->login) return report;
  if (!std::ranges::all_of(report->login->files,
                           [&](const auto& file) { return delivers(provider, file.name); }))
    return Error{ErrorKind::failed, "the exchange's report contains an unexpected file"};
  return report;
}

// Signals that would end us are queued until both processes can handle them.
Result<ExchangeReport> exchange_in_child(const Exchanger& exchanger, const ExchangeRequest& request) {
  auto pipe = TRY(make_pipe());
  const auto descriptors = TRY(prepare(exchanger.program, request));
  Supervision supervision(exchanger.patience);
  auto child = TRY(run_in_child([&] {
    const Error error = become_program(request, descriptors, pipe.writing.get());
    return report_failure(pipe.writing.get(), error) ? 0 : 1;
  }));
  pipe.writing.reset();
  ReportLine line(std::move(pipe.reading));
  const auto tell = [&] { child.signal(SIGTERM); };
  if (Supervision::is_stopping()) tell();
  bool is_awaited = true;
  while (is_awaited && line.is_open()) {
    is_awaited = supervision.wait({readable(line.fd())}, tell);
    line.read_what_is_there();
  }
  // The report comes last, but a program may close its output and keep running.
  std::optional<ProcessEnd> end;
  while (!(end = child.wait_until(SteadyTime{})) && is_awaited)
    is_awaited = supervision.wait({readable(child.fd())}, tell);
  if (!end) end = child.end();
  if (!line.is_whole() && end->signal() != 0) {
    return Error{ErrorKind::temporary, fmt::format("the exchange was killed by signal {}", end->signal()),
                 "the next run completes it"};
  }
  return checked_report(line.text(), request.provider);
}

// Result: a connection on which the request was sent.
Result<UniqueFd> send_request(const std::string& path, std::string_view request) {
  const auto advised = [](Error error) {
    return std::move(error).with_hint("systemctl status oci-oauth-exchange.socket");
  };
  auto socket = connect_unix({.path = path}, Blocking::yes);
  if (!socket) return advised(std::move(socket).error());
  for (std::string_view rest = request; !rest.empty();) {
    const ssize_t sent = ::send(socket->get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return advised(Error::from_errno(errno, path));
    rest.remove_prefix(static_cast<size_t>(sent));
  }
  ::shutdown(socket->get(), SHUT_WR);
  return socket;
}

Result<ExchangeReport> exchange_at(const std::string& path, const ExchangeRequest& request) {
  Supervision supervision(patience_of_run);
  ReportLine line(TRY(send_request(path, write_record(request).reveal())));
  while (line.is_open() && supervision.wait({readable(line.fd())}, [] {})) line.read_what_is_there();
  return checked_report(line.text(), request.provider);
}

}  // namespace

Result<ExchangeReport> exchange_as_owner(const Exchanger& exchanger, ExchangeRequest request) {
  const auto& source = request.profile.source;
  if (scope_of_caller() == Scope::system) {
    request.owner.emplace(TRY(owner_of(request.profile)));
  } else if (source && !source->user.empty()) {
    return Error::configuration(fmt::format(
        "/profiles/{}/source/user: only root's configuration can name a user", request.profile.name));
  }
  return exchanger.socket.empty() ? exchange_in_child(exchanger, request)
                                  : exchange_at(exchanger.socket, request);
}

Result<ExchangeRequest> read_request(std::string_view text) {
  auto request = read_record<ExchangeRequest>(text, "exchange request");
  if (request) return request;
  return std::move(request).error().with_hint(
      "restart the program that sent it: it was started before an upgrade");
}

Result<void> send_report(int fd, const ExchangeReport& report) {
  std::string line;
  append_secret(line, write_record(report).reveal());
  append_secret(line, "\n");
  return write_all(fd, Secret(std::move(line)).reveal(), "report");
}

Error become_exchange(const std::string& program, const ExchangeRequest& request, UniqueFd report) {
  const auto descriptors = prepare(program, request);
  Error error =
      descriptors ? become_program(request, *descriptors, report.get()) : std::move(descriptors).error();
  (void)report_failure(report.get(), error);
  return error;
}

}  // namespace oci_oauth
