// SPDX-License-Identifier: Apache-2.0
// oci-oauth: the command for people, units and the hook. Keeps logins fresh and tells how they are.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <exception>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/process.h"
#include "command.h"

namespace oci_oauth {

namespace {

struct Option {
  std::string_view spelling, meaning;
};

struct Verb {
  std::string_view name;
  ExitCode (*run)(const Invocation&);
  std::string_view operands;
  std::string_view purpose;
  std::initializer_list<Option> options;
  std::string_view example;
};

const Verb verbs[] = {
    {"refresh",
     refresh,
     "[PROFILE]...",
     "refresh what is due, publish it, update containers",
     {{"--force", "refresh also what is not due, or cooling down"},
      {"--offline", "publish what there is, and ask nobody"}},
     "oci-oauth refresh --force claude"},
    {"status",
     status,
     "",
     "how each login is, and who holds its token",
     {{"--json", "for scripts"},
      {"--prometheus", "as metrics"},
      {"--watch", "keep it current on the terminal, until ^C"}},
     "oci-oauth status --watch"},
    {"token",
     token,
     "PROFILE",
     "print a valid access token",
     {{"--min-ttl DURATION", "how long it must still live (default 5m)"},
      {"--format raw|json|header", "the token alone (default), with its expiry, or as an HTTP header"}},
     "curl -H \"$(oci-oauth token claude --format header)\" https://..."},
    {"doctor",
     doctor,
     "",
     "find what is wrong, and name what mends it",
     {{"--json", "for scripts"}, {"--try", "also start a throw-away container that reads the token"}},
     "sudo oci-oauth doctor --try"},
    {"install",
     install,
     "ENGINE",
     "register with podman, crio, docker, containerd, cdi or systemd",
     {{"--default", "make it Docker's default runtime"},
      {"--credentials FILE", "write a configuration for this login, where there is none"},
      {"--dry-run", "only show what would be done"},
      {"--root DIR", "in this tree, not on this host"}},
     "sudo oci-oauth install podman"},
    {"uninstall",
     uninstall,
     "ENGINE",
     "take out what install put in",
     {{"--all", "every engine"},
      {"--dry-run", "only show what would be done"},
      {"--root DIR", "in this tree, not on this host"}},
     "sudo oci-oauth uninstall podman"},
    {"sinks",
     sinks,
     "[PROFILE]...",
     "bring tokens to the sinks that lack them",
     {},
     "oci-oauth sinks claude"},
    {"serve",
     serve,
     "",
     "answer at a socket of systemd's who asks for a refresh",
     {{"--exchange SOCKET", "where systemd starts an exchange for each connection"}},
     "systemctl start oci-oauth-refresh.socket"},
    {"exchange",
     exchange,
     "",
     "do what a connection of systemd's asks for: one exchange",
     {},
     "systemctl start oci-oauth-exchange.socket"},
    {"units",
     units,
     "DIRECTORY",
     "write what systemd's units must know of the configuration",
     {},
     "oci-oauth units /run/systemd/generator"},
};

std::string help() {
  std::string text = "usage: oci-oauth [--config FILE] VERB\n\n";
  for (const Verb& verb : verbs) text += fmt::format("  {:<10} {}\n", verb.name, verb.purpose);
  return text + "\noci-oauth VERB --help tells more, man oci-oauth all.\n" +
         "exit: 0 fine, 1 failed, 2 usage or configuration, 3 log in again, 4 temporary: try later\n";
}

std::string help(const Verb& verb) {
  std::string text = fmt::format("usage: oci-oauth [--config FILE] {}", verb.name);
  for (const Option& option : verb.options) text += fmt::format(" [{}]", option.spelling);
  if (!verb.operands.empty()) text += fmt::format(" {}", verb.operands);
  text += fmt::format("\n\n{}\n\n", verb.purpose);
  for (const Option& option : verb.options)
    text += fmt::format("  {:<26} {}\n", option.spelling, option.meaning);
  return text + fmt::format("{}example: {}\n", verb.options.size() == 0 ? "" : "\n", verb.example);
}

bool asks_for_help(std::string_view word) {
  return word == "--help" || word == "-h";
}

Error bad_call(std::string message) {
  return {ErrorKind::usage, std::move(message), "oci-oauth --help"};
}

ExitCode run_verb(const Verb& verb, const Invocation& invocation) {
  for (const std::string& word : invocation.arguments) {
    if (word == "--") break;
    if (asks_for_help(word)) return print(invocation.log, help(verb));
  }
  return verb.run(invocation);
}

ExitCode run(Arguments arguments) {
  keep_memory_private();
  ::umask(022);
  const Log log = Log::to_stderr("oci-oauth");
  std::string config;
  if (!arguments.empty() && arguments[0] == "--config") {
    if (arguments.size() < 2) return report(log, bad_call("option '--config' needs a value"));
    config = arguments[1];
    arguments.erase(arguments.begin(), arguments.begin() + 2);
  }
  if (arguments.empty()) return report(log, bad_call("which verb?"));
  if (asks_for_help(arguments[0]) || arguments[0] == "help") return print(log, help());
  for (const Verb& verb : verbs) {
    if (arguments[0] != verb.name) continue;
    return run_verb(verb, {log, config, Arguments(arguments.begin() + 1, arguments.end())});
  }
  return report(log, bad_call(fmt::format("unknown verb '{}'", arguments[0])));
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
