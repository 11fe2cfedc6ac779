// SPDX-License-Identifier: Apache-2.0
// oci-oauth refresh: refreshes tokens that are due, publishes them, updates containers, and forgets those
// that are gone. oci-oauth sinks, and the end of each refresh: delivers tokens to the sinks that lack them.
#include <fcntl.h>

#include "base/file.h"
#include "base/fingerprint.h"
#include "base/fmt.h"
#include "base/process.h"
#include "base/text.h"
#include "command.h"
#include "report/overview.h"
#include "sinks/sinks.h"

namespace oci_oauth {

namespace {

constexpr int first_inherited_fd = 3;
constexpr size_t longest_token = 64 * KiB;

// The token is read from standard input, so that it is not in a process list.
Result<std::string> reported_token_hash() {
  auto text = TRY(read_to_end(STDIN_FILENO, longest_token, "stdin"));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  const Secret token(std::move(text));
  if (token.empty()) return usage_error("refresh", "--rejected: there is no token on standard input");
  return fingerprint(token);
}

// Result: -1 if there is none.
Result<int> parse_lock_fd(const std::optional<std::string>& number) {
  if (!number) return -1;
  const int fd = number_in<int>(*number).value_or(-1);
  if (fd < first_inherited_fd || ::fcntl(fd, F_GETFD) < 0)
    return usage_error("refresh",
                       fmt::format("--lock-fd: '{}' is not a file descriptor (3 or higher)", *number));
  return fd;
}

Result<RefreshRun> parse(const Invocation& invocation, const Instance& instance) {
  const Arguments& arguments = invocation.arguments;
  const auto wrong = [&](std::string_view what) { return usage_error(invocation.verb, what); };
  const bool is_forced = arguments.has("--force"), is_offline = arguments.has("--offline");
  RefreshRun run = {.instance = instance,
                    .log = invocation.log,
                    .profiles = TRY(find_profiles(invocation, instance.config, arguments.operands)),
                    .aim = {.force = is_forced ? Force::yes : Force::no,
                            .endpoint = is_offline ? Endpoint::left_alone : Endpoint::asked},
                    .lock_fd = TRY(parse_lock_fd(arguments.value("--lock-fd"))),
                    .exchange_socket = arguments.value("--exchange").value_or("")};
  if (run.lock_fd >= 0 && run.profiles.size() != 1) return wrong("--lock-fd needs the name of one profile");
  if (is_forced && is_offline) return wrong("--force and --offline cannot be used together");
  if (!arguments.has("--rejected")) return run;
  if (is_forced || is_offline) return wrong("--rejected cannot be used with --force or --offline");
  if (arguments.operands.size() > 1) return wrong("--rejected takes the name of one profile at most");
  run.aim.rejected_token_hash = TRY(reported_token_hash());
  if (arguments.operands.empty()) {
    std::erase_if(run.profiles, [&](const Profile* profile) {
      const auto published = instance.runtime.published(profile->name);
      return !published || !*published || (*published)->access_token_hash != run.aim.rejected_token_hash;
    });
  }
  return run;
}

// Result: whether nothing failed. A failure is a warning, and tried again at each refresh.
bool deliver_to_sinks(const Log& log, const Instance& instance, const std::vector<const Profile*>& profiles) {
  const SinkRunner runner = {instance.config, instance.runtime, instance.programs.helper("oci-oauth-onecli"),
                             own_environment};
  bool all_done = true;
  for (const Profile* profile : profiles) {
    for (const auto& [sink, done, notice] : run_sinks(runner, *profile)) {
      const std::string context = fmt::format("'{}': sink '{}'", profile->name, sink);
      if (!notice.empty()) log.write(Priority::warning, fmt::format("{}: {}", context, notice));
      if (done) {
        log.write(Priority::info, fmt::format("{}: has the token", context));
        continue;
      }
      Error why = Error(done.error()).in(context);
      if (why.kind == ErrorKind::failed) why.kind = ErrorKind::temporary;
      log.write(Priority::warning, why);
      all_done = false;
    }
  }
  forget_removed_sinks(instance.config, instance.runtime);
  return all_done;
}

}  // namespace

// The sinks last, without any profile's lock, so that a slow one delays neither containers nor other
// profiles. Under systemd, they have a service of their own.
ExitCode refresh_and_deliver(const RefreshRun& run) {
  const ExitCode worst = run_refresh(run);
  if (run.exchange_socket.empty()) (void)deliver_to_sinks(run.log, run.instance, run.profiles);
  update_metrics(run.log, run.instance.config);
  return worst;
}

void update_metrics(const Log& log, const Config& config) {
  if (auto done = write_metrics_file(config, now()); !done) log.write(Priority::warning, done.error());
}

Result<ExitCode> refresh(const Invocation& invocation) {
  const auto instance = TRY(Instance::open(invocation.config));
  return refresh_and_deliver(TRY(parse(invocation, instance)));
}

Result<ExitCode> sinks(const Invocation& invocation) {
  const auto instance = TRY(Instance::open(invocation.config));
  const auto profiles = TRY(find_profiles(invocation, instance.config, invocation.arguments.operands));
  const bool done = deliver_to_sinks(invocation.log, instance, profiles);
  update_metrics(invocation.log, instance.config);
  return done ? ExitCode::fine : ExitCode::failed;
}

}  // namespace oci_oauth
