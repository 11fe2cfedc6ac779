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

namespace oci_oauth {

namespace {

constexpr std::string_view verb = "refresh";
constexpr int first_inherited_fd = 3;
constexpr size_t longest_token = 64 * KiB;

// The token is read from standard input, so that it is not in a process list.
Result<std::string> reported_token_hash() {
  auto text = TRY(read_to_end(STDIN_FILENO, longest_token, "stdin"));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  const Secret token(std::move(text));
  if (token.empty()) return usage_error(verb, "--rejected: there is no token on standard input");
  return fingerprint(token);
}

// Result: -1 if there is none.
Result<int> parse_lock_fd(const std::optional<std::string>& number) {
  if (!number) return -1;
  int fd = 0;  // refused, as is anything that is not a number
  std::from_chars(number->data(), number->data() + number->size(), fd);
  if (fd < first_inherited_fd || ::fcntl(fd, F_GETFD) < 0)
    return usage_error(verb, fmt::format("--lock-fd: '{}' is not a file descriptor (3 or higher)", *number));
  return fd;
}

Result<RefreshRun> parse(const Invocation& invocation, const Instance& instance) {
  const Arguments& arguments = invocation.arguments;
  const auto& names = arguments.operands;
  RefreshRun run = {.instance = instance,
                    .log = invocation.log,
                    .profiles = {},
                    .aim = {.force = arguments.has("--force") ? Force::yes : Force::no,
                            .endpoint = arguments.has("--offline") ? Endpoint::left_alone : Endpoint::asked},
                    .lock_fd = TRY(parse_lock_fd(arguments.value("--lock-fd"))),
                    .exchange_socket = arguments.value("--exchange").value_or("")};
  run.profiles = TRY(find_profiles(verb, instance.config, names));
  const bool is_forced = run.aim.force == Force::yes, is_offline = run.aim.endpoint == Endpoint::left_alone;
  if (run.lock_fd >= 0 && run.profiles.size() != 1)
    return usage_error(verb, "--lock-fd needs the name of one profile");
  if (is_forced && is_offline) return usage_error(verb, "--force and --offline cannot be used together");
  if (!arguments.has("--rejected")) return run;
  if (is_forced || is_offline)
    return usage_error(verb, "--rejected cannot be used with --force or --offline");
  if (names.size() > 1) return usage_error(verb, "--rejected takes the name of one profile at most");
  run.aim.rejected_token_hash = TRY(reported_token_hash());
  if (names.empty()) {
    std::erase_if(run.profiles, [&](const Profile* profile) {
      const auto published = instance.runtime.published(profile->name);
      return !published || !*published || (*published)->access_token_hash != run.aim.rejected_token_hash;
    });
  }
  return run;
}

}  // namespace

Result<ExitCode> refresh(const Invocation& invocation) {
  const auto instance = TRY(Instance::open(invocation.config));
  const auto run = TRY(parse(invocation, instance));
  return refresh_and_deliver(run);
}

}  // namespace oci_oauth
