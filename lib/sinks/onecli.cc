// SPDX-License-Identifier: Apache-2.0
#include "sinks/onecli.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>

#include "base/file.h"
#include "base/fmt.h"
#include "base/text.h"
#include "config/config.h"
#include "sinks/environment_file.h"
#include "sinks/program.h"

namespace oci_oauth {

namespace {

constexpr size_t file_limit = 64 * KiB;
constexpr Milliseconds grace = std::chrono::seconds(5);  // for the sender to report that its time is over

// A file that contains a key, or names a program to run.
Result<Secret> read_private_file(const std::string& path) {
  const auto fd = TRY(open_file({.path = path}, O_RDONLY));
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) return Error::from_errno(errno, path);
  const bool ours = status.st_uid == 0 || status.st_uid == ::geteuid();
  if (!ours || (status.st_mode & 077) != 0) {
    return Error::configuration(fmt::format("{}: must belong to root or uid {}, without access for others "
                                            "(it has uid {}, mode {:04o})",
                                            path, ::geteuid(), status.st_uid, status.st_mode & 07777))
        .with_hint(commands_to_own(status.st_uid, "0600", path));
  }
  return Secret(TRY(read_file(fd.get(), status, file_limit, path)));
}

// The variables that OneCLI's users have, in env_file and in the environment.
struct Variables {
  const std::string& path;
  Secret file;
  const Environment& environment;

  // The first of the names that is set, in env_file before the environment. Empty: none.
  Result<Secret> find(std::initializer_list<const char*> names) const {
    for (const char* name : names) {
      if (auto found = TRY(find_in_environment_file(file.reveal(), name, path))) return std::move(*found);
    }
    for (const char* name : names) {
      const char* value = environment(name);
      if (value != nullptr && *value != '\0') return Secret(std::string_view(value));
    }
    return Secret();
  }
  // The same, unless the configuration has it.
  Result<std::string> find(const std::string& configured, std::initializer_list<const char*> names) const {
    if (!configured.empty()) return configured;
    return std::string(TRY(find(names)).reveal());
  }
};

// A key goes into a header: one line of printable characters (RFC 9110 section 5.5).
Result<Secret> read_key(const OneCliSink& sink, const Variables& variables) {
  if (sink.api_key_file.empty()) return variables.find({"ONECLI_API_KEY"});
  const Secret text = TRY(read_private_file(sink.api_key_file));
  const std::string_view key = text.reveal().substr(0, text.reveal().find_last_not_of(" \t\r\n") + 1);
  if (key.empty()) return Error::configuration(fmt::format("{}: contains no key", sink.api_key_file));
  return Secret(key);
}

Result<void> check(const OneCliRequest& request) {
  if (request.secret_id.empty())
    return Error::configuration(
        "secret_id: is not set here, nor as ONECLI_OAUTH_SECRET_ID in env_file or the environment");
  if (!is_valid_name(request.secret_id))
    return Error::configuration(
        fmt::format("ONECLI_OAUTH_SECRET_ID: '{}' is not a valid secret id", request.secret_id));
  if (request.url.empty() && request.program.empty())
    return Error::configuration(
        "url: is not set here, nor as ONECLI_URL, ONECLI_API_HOST or ONECLI_BIN in env_file or the "
        "environment");
  if (!request.program.empty() && !request.program.starts_with('/'))
    return Error::configuration(fmt::format("ONECLI_BIN: '{}' is not an absolute path", request.program));
  if (!std::ranges::all_of(request.api_key.reveal(), [](char c) { return c > ' ' && c <= '~'; }))
    return Error::configuration("the API key: is not a single line of printable characters");
  return {};
}

Result<OneCliRequest> resolve(const OneCliSink& sink, const Environment& environment) {
  const Variables variables = {
      sink.env_file, sink.env_file.empty() ? Secret() : TRY(read_private_file(sink.env_file)), environment};
  OneCliRequest request = {TRY(variables.find(sink.secret_id, {"ONECLI_OAUTH_SECRET_ID"})), sink.url,
                           sink.ca_file, sink.program, Secret()};
  if (request.program.empty()) request.url = TRY(variables.find(sink.url, {"ONECLI_URL", "ONECLI_API_HOST"}));
  if (request.url.empty()) request.program = TRY(variables.find(sink.program, {"ONECLI_BIN"}));
  request.api_key = TRY(read_key(sink, variables));
  TRY(check(request));
  return request;
}

Result<void> update_by_http(const OneCliRequest& request, const std::string& sender) {
  auto end =
      run_with_secret({.command = {sender}, .timeout = request.timeout + grace}, write_record(request));
  if (!end) return std::move(end).error().in(sender);
  if (end->how == ProgramOutcome::How::exited && end->number == 0) return {};
  // It prints a message and perhaps, on a second line, a hint.
  std::string_view said = end->out.reveal();
  if (said.find('\n') == said.npos) return Error{ErrorKind::failed, sender + ": exited without an answer"};
  const std::string_view message = next_line(said);
  return Error{ErrorKind::failed, std::string(message), std::string(first_line(said))};
}

Result<void> update_by_program(const OneCliRequest& request) {
  Program program;
  program.command = {request.program, "secrets", "update", "--id", request.secret_id, "--value"};
  program.pass = PassSecret::as_last_argument;
  program.timeout = request.timeout;
  if (const passwd* user = ::getpwuid(::geteuid()); user != nullptr)
    program.environment.push_back(fmt::format("HOME={}", user->pw_dir));
  if (!request.api_key.empty())
    program.environment.push_back(fmt::format("ONECLI_API_KEY={}", request.api_key.reveal()));
  auto done = run_program(program, request.token);
  for (std::string& variable : program.environment) wipe(variable);
  return done ? done : std::move(done).error().in(request.program);
}

}  // namespace

Result<OneCliRequest> resolve_onecli(const OneCliSink& sink, const std::string& place,
                                     const Environment& environment) {
  auto resolved = resolve(sink, environment);
  if (resolved) return resolved;
  Error error = std::move(resolved).error().in(place + "/onecli");
  error.kind = ErrorKind::configuration;
  return error;
}

Result<void> update_secret(const OneCliRequest& request, const std::string& sender) {
  return request.url.empty() ? update_by_program(request) : update_by_http(request, sender);
}

}  // namespace oci_oauth
