// SPDX-License-Identifier: Apache-2.0
// oci-oauth: the command for people, units and the hook. Keeps logins fresh and reports their state.
#include <sys/stat.h>
#include <unistd.h>

#include <exception>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/fmt.h"
#include "base/process.h"
#include "command.h"
#include "program/version.h"

namespace oci_oauth {

namespace {

struct Program {
  std::string_view verb;
  ExitCode (*run)(const Invocation&);
};

// lib/cli/oci_oauth.cc describes each.
constexpr Program programs[] = {{"demo", demo},           {"setup", setup},   {"refresh", refresh},
                                {"status", status},       {"token", token},   {"login", login},
                                {"logout", logout},       {"doctor", doctor}, {"install", install},
                                {"uninstall", uninstall}, {"sinks", sinks},   {"serve", serve},
                                {"exchange", exchange},   {"fleet", fleet},   {"units", units}};

ExitCode run_verb(std::string_view verb, const Invocation& invocation) {
  for (const Program& program : programs) {
    if (program.verb == verb) return program.run(invocation);
  }
  return report(invocation.log, usage_error(verb, "is not part of this build"));
}

ExitCode run(const std::vector<std::string>& words) {
  keep_memory_private();
  ::umask(022);
  const Log log = Log::to_stderr("oci-oauth");
  const CommandLine& line = command_line();
  auto parsed = parse_command_line(line, words);
  if (!parsed) return report(log, parsed.error());
  switch (parsed->request) {
    case Request::help:
      return print(log, parsed->verb == nullptr ? help_text(line) : help_text(line, *parsed->verb));
    case Request::version:
      return print(log, fmt::format("oci-oauth {}\n", version()));
    case Request::run:
      break;
  }
  return run_verb(parsed->verb->name, {log, parsed->config, std::move(parsed->arguments)});
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
