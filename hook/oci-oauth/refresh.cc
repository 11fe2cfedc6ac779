// SPDX-License-Identifier: Apache-2.0
// oci-oauth refresh: refreshes tokens that are due, publishes them, updates containers, and forgets those
// that are gone.
#include <fcntl.h>

#include <charconv>

#include "base/file.h"
#include "base/fingerprint.h"
#include "base/fmt.h"
#include "base/size.h"
#include "command.h"
#include "refresh/deliveries.h"
#include "refresh/logins.h"
#include "refresh/side_by_side.h"
#include "token/policy.h"

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "refresh";
constexpr int first_inherited_fd = 3;
constexpr size_t longest_token = 64 * KiB;

// A run ends after longest_run, whatever its logins do. A refresh that has sent its request still waits for
// the answer.
constexpr Patience patience = {longest_run - std::chrono::seconds(35), longest_run - std::chrono::seconds(5)};

// The worse of two: a dead login counts more than one that may recover.
ExitCode worse(ExitCode a, ExitCode b) {
  if (a == ExitCode::fine) return b;
  if (b == ExitCode::fine) return a;
  return a == ExitCode::login_required || b == ExitCode::login_required ? ExitCode::login_required : a;
}

std::string_view deed(const RefreshOutcome& outcome, Endpoint endpoint) {
  if (endpoint == Endpoint::left_alone) return "published as it is";
  return outcome.refreshed ? "refreshed" : "fresh";
}

ExitCode tell(const Log& log, const Profile& profile, const RefreshOutcome& outcome, Endpoint endpoint) {
  const std::string context = fmt::format("refresh '{}'", profile.name);
  for (const std::string& notice : outcome.notices) {
    log.write(Priority::notice, fmt::format("{}: {}", context, notice));
  }
  for (const Error& error : outcome.deliveries_failed) {
    log.write(Priority::warning, fmt::format("{}: {}", context, error.message), error.hint);
  }
  if (outcome.failure) return report(log, to_error(*outcome.failure).in(context));
  const Published& token = outcome.known.published;
  const auto expiry = token.known_expiry();
  log.write(Priority::info,
            fmt::format("{}: {}, {}", context, deed(outcome, endpoint),
                        expiry ? "valid until " + rfc3339(*expiry) : "its expiry is not known"));
  return ExitCode::fine;
}

struct RefreshArguments {
  std::vector<const Profile*> profiles;
  Force force = Force::no;
  Endpoint endpoint = Endpoint::asked;
  std::string rejected_token_hash;  // of the reported token; empty: none
  int lock_fd = -1;                 // held for us by the hook
  std::string exchange_socket;      // separate units perform the exchange and feed the sinks
};

// The token is read from standard input, so that it is not in a process list.
Result<std::string> reported_token_hash() {
  auto text = read_to_end(STDIN_FILENO, longest_token, "stdin");
  if (!text) return std::move(text).error();
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  const Secret token(std::move(*text));
  if (token.empty()) return usage_error(verb, "--rejected: there is no token on standard input");
  return fingerprint(token);
}

Result<RefreshArguments> parse(const Invocation& invocation, const Config& config) {
  RefreshArguments parsed;
  const Arguments& arguments = invocation.arguments;
  if (arguments.has("--force")) parsed.force = Force::yes;
  if (arguments.has("--offline")) parsed.endpoint = Endpoint::left_alone;
  if (const auto number = arguments.value("--lock-fd")) {
    parsed.lock_fd = 0;  // rejected below, as is anything that is not a number
    std::from_chars(number->data(), number->data() + number->size(), parsed.lock_fd);
    if (parsed.lock_fd < first_inherited_fd || ::fcntl(parsed.lock_fd, F_SETFD, FD_CLOEXEC) != 0)
      return usage_error(verb,
                         fmt::format("--lock-fd: '{}' is not a file descriptor (3 or higher)", *number));
  }
  parsed.exchange_socket = arguments.value("--exchange").value_or("");
  const auto& names = arguments.operands;
  auto profiles = TRY(find_profiles(verb, config, names));
  parsed.profiles = std::move(profiles);
  if (parsed.lock_fd >= 0 && parsed.profiles.size() != 1)
    return usage_error(verb, "--lock-fd needs the name of one profile");
  if (parsed.force == Force::yes && parsed.endpoint == Endpoint::left_alone)
    return usage_error(verb, "--force and --offline cannot be used together");
  if (!arguments.has("--rejected")) return parsed;
  if (parsed.force == Force::yes || parsed.endpoint == Endpoint::left_alone)
    return usage_error(verb, "--rejected cannot be used with --force or --offline");
  if (names.size() != 1) return usage_error(verb, "--rejected needs the name of one profile");
  parsed.rejected_token_hash = TRY(reported_token_hash());
  return parsed;
}

// The hook already holds the lock and passes it on; it must be the lock of this very profile.
Result<FileLock> inherited_lock(const RuntimeDir& runtime, const Profile& profile, int fd) {
  const FileAt file = runtime.lock_file(profile.name);
  if (!is_same_file(file_id(fd), file_id(file)))
    return usage_error(verb, fmt::format("descriptor {} is not {}", fd, file.shown));
  return FileLock::acquire(UniqueFd(fd), LockMode::exclusive, SteadyTime{}, file.shown);
}

ExitCode refresh_one(const Log& log, const Workplace& workplace, const RefreshArguments& arguments,
                     const LoginProfiles& login) {
  RefreshOptions options = {.force = arguments.force,
                            .endpoint = arguments.endpoint,
                            .rejected_token_hash = arguments.rejected_token_hash};
  if (arguments.lock_fd >= 0) {
    auto lock = inherited_lock(workplace.runtime, *login.front(), arguments.lock_fd);
    if (!lock) return report(log, lock.error());
    options.lock.emplace(std::move(*lock));
  }
  const Refresher refresher = refresher_of(workplace, arguments.exchange_socket);
  ExitCode worst = ExitCode::fine;
  for (const auto& [profile, outcome] :
       refresh_login(refresher, workplace.config, login, std::move(options))) {
    worst = worse(worst, outcome ? tell(log, *profile, *outcome, arguments.endpoint)
                                 : report(log, Error(outcome.error()).in("refresh '" + profile->name + "'")));
  }
  return worst;
}

// Each login by itself, so that a hanging endpoint does not delay the others.
ExitCode refresh_logins(const Log& log, const Workplace& workplace, const RefreshArguments& arguments) {
  const std::vector<LoginProfiles> logins = logins_of(arguments.profiles);
  if (logins.size() == 1) return refresh_one(log, workplace, arguments, logins.front());
  std::vector<std::function<int()>> jobs;
  jobs.reserve(logins.size());
  for (const LoginProfiles& login : logins) {
    jobs.push_back([&] { return static_cast<int>(refresh_one(log, workplace, arguments, login)); });
  }
  const auto results = run_side_by_side(jobs, patience);
  ExitCode worst = ExitCode::fine;
  for (size_t i = 0; i < results.size(); ++i) {
    const Error unfinished = {ErrorKind::temporary,
                              fmt::format("refresh '{}': did not finish in time", logins[i].front()->name),
                              "the next refresh completes it"};
    worst = worse(worst, results[i] ? ExitCode{*results[i]} : report(log, unfinished));
  }
  return worst;
}

// Removes what is left of containers and profiles that are gone.
void tidy_up(const Log& log, const Workplace& workplace) {
  for (const Error& error : retire_profiles(workplace.runtime, workplace.config))
    log.write(Priority::warning, error);
  const Sweep sweep = sweep_records(workplace.runtime);
  for (const Error& error : sweep.failures) log.write(Priority::warning, error);
  if (sweep.swept > 0)
    log.write(Priority::info, fmt::format("forgot {} containers that are gone", sweep.swept));
}

}  // namespace

ExitCode refresh(const Invocation& invocation) {
  const auto workplace = open_workplace(invocation);
  if (!workplace) return report(invocation.log, workplace.error());
  const auto parsed = parse(invocation, workplace->config);
  if (!parsed) return report(invocation.log, parsed.error());
  if (workplace->runtime.share_storage() == ShareStorage::disk) {
    invocation.log.write(
        Priority::warning,
        fmt::format("{}/share: is on a disk, so access tokens are written to it", workplace->runtime.path()),
        "set \"runtime_dir\" to a directory on a tmpfs, for example below /run");
  }
  for (const Profile* profile : parsed->profiles)
    workplace->runtime.note_configuration(profile->name, workplace->config.path);
  const ExitCode worst = refresh_logins(invocation.log, *workplace, *parsed);
  tidy_up(invocation.log, *workplace);
  // Last, without any profile's lock, so that a slow sink delays neither containers nor other profiles.
  if (parsed->exchange_socket.empty()) (void)feed_sinks(invocation.log, *workplace, parsed->profiles);
  update_metrics(invocation.log, workplace->config);
  return worst;
}

}  // namespace oci_oauth
