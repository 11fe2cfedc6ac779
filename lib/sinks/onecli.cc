// SPDX-License-Identifier: Apache-2.0
#include "sinks/onecli.h"

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <initializer_list>

#include "base/file.h"
#include "base/fmt.h"
#include "base/text.h"
#include "config/config.h"
#include "sinks/environment_file.h"
#include "sinks/onecli_request.h"
#include "sinks/program.h"

namespace oci_oauth {

namespace {

constexpr size_t file_limit = 64 * KiB;
constexpr Milliseconds grace = std::chrono::seconds(5);  // for the sender to report that its time is over

Error bad(std::string message, std::string hint = "") {
  return {ErrorKind::configuration, std::move(message), std::move(hint)};
}

// A file that contains a key, or names a program to run.
Result<Secret> read_private_file(const std::string& path) {
  auto fd = open_file({.path = path}, O_RDONLY);
  if (!fd) return bad(fd.error().message);
  struct stat status;
  if (::fstat(fd->get(), &status) != 0) return Error::from_errno(errno, path);
  const bool ours = status.st_uid == 0 || status.st_uid == ::geteuid();
  if (!ours || (status.st_mode & 077) != 0) {
    return bad(
        fmt::format(
            "{0}: must belong to root or uid {3}, without access for others (it has uid {1}, mode {2:04o})",
            path, status.st_uid, status.st_mode & 07777, ::geteuid()),
        commands_to_own(status.st_uid, "0600", path));
  }
  auto content = read_file(fd->get(), file_limit, path);
  if (!content) return bad(content.error().message);
  return Secret(std::move(*content));
}

// The variables that OneCLI's users have, looked up in env_file and then in the environment.
class Variables {
 public:
  Variables(const OneCliSink& sink, const Environment& environment)
      : file_path_(sink.env_file), environment_(environment) {}

  Result<void> read() {
    if (file_path_.empty()) return {};
    file_ = TRY(read_private_file(file_path_));
    return {};
  }

  // The first of the names that is set, in env_file before the environment. Empty: none.
  Result<Secret> find(std::initializer_list<const char*> names) const {
    for (const char* name : names) {
      auto found = TRY(find_in_environment_file(file_.reveal(), name, file_path_));
      if (found) return std::move(*found);
    }
    for (const char* name : names) {
      const char* value = environment_(name);
      if (value != nullptr && *value != '\0') return Secret(std::string_view(value));
    }
    return Secret();
  }

  // Keeps a target that the configuration has set.
  Result<void> fill(std::string& target, std::initializer_list<const char*> names) const {
    if (!target.empty()) return {};
    auto found = TRY(find(names));
    target = found.reveal();
    return {};
  }

 private:
  std::string file_path_;
  const Environment& environment_;
  Secret file_;
};

Result<void> find_address(OneCliSettings& settings, const Variables& variables) {
  if (!settings.url.empty() || !settings.program.empty()) return {};
  TRY(variables.fill(settings.url, {"ONECLI_URL", "ONECLI_API_HOST"}));
  return settings.url.empty() ? variables.fill(settings.program, {"ONECLI_BIN"}) : Result<void>();
}

// A key goes into a header: one line of printable characters (RFC 9110 section 5.5).
Result<Secret> read_key(const OneCliSink& sink, const Variables& variables) {
  if (sink.api_key_file.empty()) return variables.find({"ONECLI_API_KEY"});
  auto text = read_private_file(sink.api_key_file);
  if (!text) return text;
  const size_t end = text->reveal().find_last_not_of(" \t\r\n");
  Secret key(text->reveal().substr(0, end == std::string_view::npos ? 0 : end + 1));
  if (key.empty()) return bad(fmt::format("{}: contains no key", sink.api_key_file));
  return key;
}

bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

Result<void> check(const OneCliSettings& settings) {
  if (settings.secret_id.empty()) {
    return bad("secret_id: is not set here, nor as ONECLI_OAUTH_SECRET_ID in env_file or the environment");
  }
  if (!is_valid_name(settings.secret_id)) {
    return bad(fmt::format("ONECLI_OAUTH_SECRET_ID: '{}' is not a valid secret id", settings.secret_id));
  }
  if (settings.url.empty() && settings.program.empty()) {
    return bad(
        "url: is not set here, nor as ONECLI_URL, ONECLI_API_HOST or ONECLI_BIN in env_file or the "
        "environment");
  }
  if (!settings.program.empty() && !settings.program.starts_with('/')) {
    return bad(fmt::format("ONECLI_BIN: '{}' is not an absolute path", settings.program));
  }
  if (!is_visible(settings.api_key.reveal()))
    return bad("the API key: is not a single line of printable characters");
  return {};
}

Result<void> update_by_http(const OneCliSettings& settings, const Secret& token, Milliseconds timeout,
                            const std::string& sender, const std::string& credentials) {
  const OneCliRequest request = {settings.url, settings.secret_id,      settings.ca_file, credentials,
                                 timeout,      settings.api_key.copy(), token.copy()};
  Program program;
  program.command = {sender};
  program.timeout = timeout + grace;
  auto end = run_with_secret(program, write_record(request));
  if (!end) return std::move(end).error().in(sender);
  if (end->how == ProgramOutcome::How::exited && end->number == 0) return {};
  // It prints a message and perhaps, on a second line, a hint.
  const std::string_view said = end->out.reveal();
  const size_t line = said.find('\n');
  if (line == std::string_view::npos) return Error{ErrorKind::failed, sender + ": exited without an answer"};
  const std::string_view hint = said.substr(line + 1);
  return Error{ErrorKind::failed, std::string(said.substr(0, line)),
               std::string(hint.substr(0, hint.find('\n')))};
}

Result<void> update_by_program(const OneCliSettings& settings, const Secret& token, Milliseconds timeout) {
  Program program;
  program.command = {settings.program, "secrets", "update", "--id", settings.secret_id, "--value"};
  program.pass = PassSecret::as_last_argument;
  program.timeout = timeout;
  if (const passwd* user = ::getpwuid(::geteuid()); user != nullptr) {
    program.environment.push_back(fmt::format("HOME={}", user->pw_dir));
  }
  if (!settings.api_key.empty()) {
    program.environment.push_back(fmt::format("ONECLI_API_KEY={}", settings.api_key.reveal()));
  }
  auto done = run_program(program, token);
  for (std::string& variable : program.environment) wipe(variable);
  return done ? done : std::move(done).error().in(settings.program);
}

}  // namespace

Result<OneCliSettings> resolve_onecli(const OneCliSink& sink, const std::string& place,
                                      const Environment& environment) {
  OneCliSettings settings = {sink.secret_id, sink.url, sink.ca_file, sink.program, Secret()};
  const auto resolve = [&]() -> Result<void> {
    Variables variables(sink, environment);
    TRY(variables.read());
    TRY(variables.fill(settings.secret_id, {"ONECLI_OAUTH_SECRET_ID"}));
    TRY(find_address(settings, variables));
    settings.api_key = TRY(read_key(sink, variables));
    return check(settings);
  };
  if (auto resolved = resolve(); !resolved) return std::move(resolved).error().in(place + "/onecli");
  return settings;
}

Result<void> update_secret(const OneCliSettings& settings, const Secret& token, Milliseconds timeout,
                           const std::string& sender, const std::string& credentials) {
  return settings.url.empty() ? update_by_program(settings, token, timeout)
                              : update_by_http(settings, token, timeout, sender, credentials);
}

}  // namespace oci_oauth
