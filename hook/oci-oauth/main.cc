// SPDX-License-Identifier: Apache-2.0
// oci-oauth: the command for people, units and the hook. Keeps logins fresh and reports their state.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "base/fmt.h"
#include "base/process.h"
#include "base/text.h"
#include "command.h"
#include "config/scope.h"
#include "program/hint.h"
#include "program/log.h"
#include "program/standard_options.h"

namespace oci_oauth {

namespace {

struct Program {
  std::string_view verb;
  Result<ExitCode> (*run)(const Invocation&);
};

// lib/cli/oci_oauth.cc describes each.
constexpr Program programs[] = {{"demo", demo},           {"setup", setup},   {"refresh", refresh},
                                {"status", status},       {"token", token},   {"login", login},
                                {"logout", logout},       {"doctor", doctor}, {"install", install},
                                {"uninstall", uninstall}, {"sinks", sinks},   {"serve", serve},
                                {"exchange", exchange},   {"fleet", fleet},   {"units", units}};

// Hints name the configuration, unless it is the one that is used without a name.
void name_in_hints(const std::string& config, std::span<const std::string> words) {
  static const std::string named(config.empty() ? from_environment("OCI_OAUTH_CONFIG") : config);
  if (named != config_path(scope_of_caller())) name_configuration(named);
  static std::string typed;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--config")
      ++i;
    else if (!words[i].starts_with("--config="))
      typed += (typed.empty() ? "" : " ") + shell_word(words[i]);
  }
  name_typed_words(typed);
}

// A standard stream that the caller has closed would be the next file that is opened, and messages would be
// written to it. The other direction keeps reading and writing failures.
void reserve_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);  // NOLINT
  }
}

Result<ExitCode> run(const Log& log, const std::vector<std::string>& words) {
  keep_memory_private();
  ::signal(SIGXFSZ, SIG_IGN);  // what RLIMIT_FSIZE refuses fails, and is reported
  ::umask(022);
  auto parsed = TRY(parse_command_line(words));
  switch (parsed.request) {
    case Request::help:
      return print(log, parsed.verb == nullptr ? help_text() : help_text(*parsed.verb));
    case Request::version:
      return print(log, fmt::format("oci-oauth {}\n", version()));
    case Request::run:
      break;
  }
  name_in_hints(parsed.config, words);
  const VerbSpec& verb = *parsed.verb;
  const auto& operands = parsed.arguments.operands;
  if (verb.operands.shown.empty() && !operands.empty())
    return usage_error(verb.name, fmt::format("unknown argument '{}'", operands.front()));
  const auto* const program = std::ranges::find(programs, verb.name, &Program::verb);
  if (program == std::end(programs)) return usage_error(verb.name, "is not part of this build");
  return program->run({log, verb.name, parsed.config, std::move(parsed.arguments)});
}

}  // namespace

}  // namespace oci_oauth

int main(int argc, char** argv) {
  using namespace oci_oauth;
  reserve_standard_streams();
  const Log log = Log::to_stderr("oci-oauth");
  return run_reported(log, [&] { return run(log, {argv + 1, argv + argc}); });
}
