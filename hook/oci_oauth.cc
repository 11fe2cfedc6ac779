// SPDX-License-Identifier: Apache-2.0
// oci-oauth: the command for people, units and the hook. Keeps logins fresh and tells how they are.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "base/exit_code.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "base/size.h"
#include "refresh/refresher.h"
#include "status.h"
#include "token/provider.h"

namespace oci_oauth {

namespace {

using Arguments = std::vector<std::string>;

struct Command {
  const Config& config;
  const RuntimeDir& runtime;
  const Log& log;
  Arguments arguments;  // after the verb
};

Error usage(std::string message) {
  return {ErrorKind::usage, std::move(message), "oci-oauth --help"};
}

ExitCode report(const Log& log, const Error& error) {
  log.write(Priority::error, error);
  return exit_code(error.kind);
}

Result<void> print(std::string_view text) {
  return write_all(STDOUT_FILENO, text, "stdout");
}

Refresher refresher_of(const Command& command) {
  const auto prefix = installation_prefix(1);
  return {command.runtime,
          {"/etc/oci-oauth/providers.d", (prefix ? *prefix : "/usr") + "/share/oci-oauth/providers"}};
}

// The worse of two: a login that is dead counts more than one that may come back.
ExitCode worse(ExitCode a, ExitCode b) {
  if (a == ExitCode::fine) return b;
  if (b == ExitCode::fine) return a;
  return a == ExitCode::login_required || b == ExitCode::login_required ? ExitCode::login_required : a;
}

ExitCode tell(const Log& log, const Profile& profile, const RefreshOutcome& outcome) {
  const std::string context = fmt::format("refresh '{}'", profile.name);
  for (const std::string& notice : outcome.notices) {
    log.write(Priority::notice, fmt::format("{}: {}", context, notice));
  }
  for (const Error& error : outcome.deliveries_failed) {
    log.write(Priority::warning, fmt::format("{}: {}", context, error.message), error.hint);
  }
  if (outcome.failure) return report(log, to_error(*outcome.failure).in(context));
  const Published& token = outcome.published;
  log.write(Priority::info,
            fmt::format("{}: {}, valid until {}", context, outcome.refreshed ? "refreshed" : "fresh",
                        rfc3339(token.expires_at)));
  return ExitCode::fine;
}

struct RefreshArguments {
  std::vector<const Profile*> profiles;
  Force force = Force::no;
  int lock_fd = -1;
};

Result<RefreshArguments> parse_refresh(const Command& command) {
  RefreshArguments parsed;
  for (size_t i = 0; i < command.arguments.size(); ++i) {
    const std::string& word = command.arguments[i];
    if (word == "--force") {
      parsed.force = Force::yes;
    } else if (word == "--lock-fd" && i + 1 < command.arguments.size()) {
      parsed.lock_fd = 0;  // refused below, as is anything that is no number
      const std::string& number = command.arguments[++i];
      std::from_chars(number.data(), number.data() + number.size(), parsed.lock_fd);
    } else if (word.starts_with('-')) {
      return usage(fmt::format("refresh: unknown option '{}'", word));
    } else if (const Profile* profile = command.config.find(word)) {
      parsed.profiles.push_back(profile);
    } else {
      return usage(fmt::format("refresh: no profile '{}' in {}", word, command.config.path));
    }
  }
  if (parsed.profiles.empty()) {
    for (const Profile& profile : command.config.profiles) parsed.profiles.push_back(&profile);
  }
  if (parsed.lock_fd >= 0 && (parsed.lock_fd < 3 || parsed.profiles.size() != 1)) {
    return usage("refresh: --lock-fd goes with one profile and a descriptor from 3");
  }
  return parsed;
}

// The hook holds the lock already and hands it down; it must be the lock of this very profile.
Result<FileLock> inherited_lock(const Command& command, const Profile& profile, int fd) {
  const FileAt file = command.runtime.lock_file(profile.name);
  struct stat ours, theirs;
  const bool same = ::fstat(fd, &theirs) == 0 &&
                    ::fstatat(file.directory, file.path.c_str(), &ours, 0) == 0 &&
                    ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
  if (!same) return usage(fmt::format("refresh: descriptor {} is not {}", fd, file.shown));
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return FileLock::acquire(UniqueFd(fd), LockMode::exclusive, SteadyTime{}, file.shown);
}

ExitCode refresh(const Command& command) {
  const auto parsed = parse_refresh(command);
  if (!parsed) return report(command.log, parsed.error());
  const Refresher refresher = refresher_of(command);
  ExitCode worst = ExitCode::fine;
  for (const Profile* profile : parsed->profiles) {
    RefreshOptions options = {.force = parsed->force, .min_ttl = Milliseconds(0), .lock = std::nullopt};
    if (parsed->lock_fd >= 0) {
      auto lock = inherited_lock(command, *profile, parsed->lock_fd);
      if (!lock) return report(command.log, lock.error());
      options.lock.emplace(std::move(*lock));
    }
    const auto outcome = refresh_profile(refresher, *profile, std::move(options));
    worst = worse(
        worst, outcome ? tell(command.log, *profile, *outcome)
                       : report(command.log, Error(outcome.error()).in("refresh '" + profile->name + "'")));
  }
  sweep_records(command.runtime);
  return worst;
}

ExitCode status(const Command& command) {
  const bool json = command.arguments == Arguments{"--json"};
  if (!json && !command.arguments.empty()) {
    return report(command.log,
                  usage(fmt::format("status: unknown argument '{}'", command.arguments.front())));
  }
  const auto text = json ? status_json(command.config, command.runtime, now())
                         : status_table(command.config, command.runtime, now());
  if (!text) return report(command.log, text.error());
  const auto printed = print(*text);
  return printed ? ExitCode::fine : report(command.log, printed.error());
}

enum class TokenFormat { raw, json, header };

struct TokenArguments {
  const Profile* profile = nullptr;
  Milliseconds min_ttl = std::chrono::minutes(5);
  TokenFormat format = TokenFormat::raw;
};

Result<TokenArguments> parse_token(const Command& command) {
  TokenArguments parsed;
  for (size_t i = 0; i < command.arguments.size(); ++i) {
    const std::string& word = command.arguments[i];
    if (word == "--min-ttl" || word == "--format") {
      if (++i == command.arguments.size())
        return usage(fmt::format("token: option '{}' needs a value", word));
      const std::string& value = command.arguments[i];
      if (word == "--min-ttl") {
        auto duration = parse_duration(value);
        if (!duration) return usage("token: --min-ttl: " + duration.error().message);
        parsed.min_ttl = *duration;
      } else if (value == "raw" || value == "json" || value == "header") {
        parsed.format = value == "raw"    ? TokenFormat::raw
                        : value == "json" ? TokenFormat::json
                                          : TokenFormat::header;
      } else {
        return usage(fmt::format("token: unknown format '{}': raw, json or header", value));
      }
    } else if (word.starts_with('-')) {
      return usage(fmt::format("token: unknown option '{}'", word));
    } else if (parsed.profile != nullptr) {
      return usage("token: one profile at a time");
    } else if ((parsed.profile = command.config.find(word)) == nullptr) {
      return usage(fmt::format("token: no profile '{}' in {}", word, command.config.path));
    }
  }
  if (parsed.profile == nullptr) return usage("token: which profile?");
  return parsed;
}

Secret formatted(const Secret& token, Time expires_at, TokenFormat format) {
  switch (format) {
    case TokenFormat::raw:
      return Secret(fmt::format("{}\n", token.reveal()));
    case TokenFormat::header:
      return Secret(fmt::format("Authorization: Bearer {}\n", token.reveal()));
    case TokenFormat::json:
      break;
  }
  JsonDocument json;
  json.SetObject();
  json_set(json, json, "access_token", json_copy(json, token.reveal()));
  json_set(json, json, "token_type", json_copy(json, "Bearer"));
  json_set(json, json, "expires_at", json_copy(json, rfc3339(expires_at)));
  return write_json(json, JsonStyle::indented);
}

ExitCode token(const Command& command) {
  const auto parsed = parse_token(command);
  if (!parsed) return report(command.log, parsed.error());
  const Profile& profile = *parsed->profile;
  const std::string context = fmt::format("token '{}'", profile.name);
  const auto outcome = refresh_profile(
      refresher_of(command), profile, {.force = Force::no, .min_ttl = parsed->min_ttl, .lock = std::nullopt});
  if (!outcome) return report(command.log, Error(outcome.error()).in(context));
  if (!outcome->published.has_token() || outcome->published.expires_at - now() < parsed->min_ttl) {
    if (outcome->failure) return report(command.log, to_error(*outcome->failure).in(context));
    const Error error = {ErrorKind::temporary, "the server's tokens do not live that long",
                         "ask for a smaller --min-ttl"};
    return report(command.log, Error(error).in(context));
  }
  const std::string path = command.runtime.share_path(profile.name) + "/token";
  auto content = read_file({.path = path}, 64 * KiB, Links::refused);
  if (!content) return report(command.log, content.error());
  const auto printed =
      print(formatted(Secret(std::move(*content)), outcome->published.expires_at, parsed->format).reveal());
  return printed ? ExitCode::fine : report(command.log, printed.error());
}

struct Verb {
  std::string_view name;
  ExitCode (*run)(const Command&);
  std::string_view help;
};

constexpr Verb verbs[] = {
    {"refresh", refresh,
     "refresh [--force] [PROFILE]...   refresh what is due, publish it, update containers"},
    {"status", status, "status [--json]                  how each login is, and who holds its token"},
    {"token", token, "token PROFILE [--min-ttl 5m] [--format raw|json|header]   print a valid access token"},
};

std::string help() {
  std::string text = "usage: oci-oauth [--config FILE] VERB\n\n";
  for (const Verb& verb : verbs) text += fmt::format("  {}\n", verb.help);
  return text +
         "\nexit: 0 fine, 1 failed, 2 usage or configuration, 3 log in again, 4 temporary: try later\n";
}

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string default_config_path() {
  if (std::string path = from_environment("OCI_OAUTH_CONFIG"); !path.empty()) return path;
  if (::geteuid() == 0) return "/etc/oci-oauth/config.json";
  const std::string base = from_environment("XDG_CONFIG_HOME");
  return (base.empty() ? from_environment("HOME") + "/.config" : base) + "/oci-oauth/config.json";
}

Result<std::string> default_runtime_dir() {
  if (::geteuid() == 0) return std::string("/run/oci-oauth");
  const std::string base = from_environment("XDG_RUNTIME_DIR");
  if (base.starts_with('/')) return base + "/oci-oauth";
  return Error{ErrorKind::configuration, "no runtime_dir is configured and XDG_RUNTIME_DIR is not set",
               "set \"runtime_dir\" in the configuration"};
}

// Tokens pass through this process: no core dump, no ptrace by the user's other processes.
void protect_memory() {
  const rlimit no_core = {0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::prctl(PR_SET_DUMPABLE, 0);
}

ExitCode run(Arguments arguments) {
  protect_memory();
  ::umask(022);
  const Log log = Log::to_stderr("oci-oauth");
  std::string path;
  if (arguments.size() >= 2 && arguments[0] == "--config") {
    path = arguments[1];
    arguments.erase(arguments.begin(), arguments.begin() + 2);
  }
  if (arguments.empty()) return report(log, usage("which verb?"));
  if (arguments[0] == "--help" || arguments[0] == "-h" || arguments[0] == "help") {
    const auto printed = print(help());
    return printed ? ExitCode::fine : ExitCode::failed;
  }
  for (const Verb& verb : verbs) {
    if (arguments[0] != verb.name) continue;
    auto config = load_config(path.empty() ? default_config_path() : path);
    if (!config) {
      Error error = std::move(config).error();
      if (error.kind == ErrorKind::not_found) error.kind = ErrorKind::configuration;
      return report(log, error);
    }
    if (config->runtime_dir.empty()) {
      auto runtime_dir = default_runtime_dir();
      if (!runtime_dir) return report(log, runtime_dir.error());
      config->runtime_dir = std::move(*runtime_dir);
    }
    auto runtime = RuntimeDir::open(config->runtime_dir);
    if (!runtime) return report(log, runtime.error());
    return verb.run({*config, *runtime, log, Arguments(arguments.begin() + 1, arguments.end())});
  }
  return report(log, usage(fmt::format("unknown verb '{}'", arguments[0])));
}

}  // namespace

}  // namespace oci_oauth

int main(int argc, char** argv) {
  try {
    return static_cast<int>(oci_oauth::run({argv + 1, argv + argc}));
  } catch (const std::exception& error) {
    const std::string line = fmt::format("oci-oauth: error: {}\n", error.what());
    (void)oci_oauth::write_all(STDERR_FILENO, line, "stderr");
    return 1;
  }
}
