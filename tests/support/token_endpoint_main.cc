// SPDX-License-Identifier: Apache-2.0
// token-endpoint: a TokenEndpoint for shell tests, described by files in a directory; never outlives its
// parent.
#include <fmt/format.h>
#include <getopt.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "program/exit_code.h"
#include "support/control_api.h"
#include "support/token_endpoint.h"

namespace oci_oauth::test {
namespace {

constexpr const char* usage_text =
    "usage: token-endpoint DIR [--login FILE] [--expires-in SECONDS] [--require PARAMETER]... [--identity "
    "NAME]\n"
    "\n"
    "Serves a token endpoint on a free loopback port until SIGTERM or the end of its parent. Writes "
    "DIR/ca.pem, DIR/url\n"
    "and, when it answers, DIR/ready, which holds its pid. It is driven by requests to /control/ "
    "(control_api.h).\n"
    "\n"
    "  --login FILE          write a new login to FILE, in the form of Claude Code's .credentials.json\n"
    "  --expires-in SECONDS  life of every access token (default 28800)\n"
    "  --require PARAMETER   answer 400 to a refresh without this parameter, such as client_id\n"
    "  --identity NAME       certificate to show: trusted (default), other-authority, other-host\n";

struct Options {
  std::string directory;
  std::string login_file;
  TokenEndpointSettings settings;
};

Error usage_error(std::string_view what, std::string_view value) {
  return {ErrorKind::usage, fmt::format("{}: '{}'", what, value), "token-endpoint --help"};
}

Result<std::chrono::seconds> parse_seconds(std::string_view text) {
  int seconds = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
    return usage_error("not a number", text);
  return std::chrono::seconds(seconds);
}

Result<Identity> parse_identity(std::string_view text) {
  if (text == "trusted") return Identity::trusted;
  if (text == "other-authority") return Identity::other_authority;
  if (text == "other-host") return Identity::other_host;
  return usage_error("no such identity", text);
}

template <typename T>
Result<void> assign(T& target, Result<T> value) {
  if (!value) return std::move(value).error();
  target = *std::move(value);
  return {};
}

Result<void> set_option(Options& options, int option, const char* value) {
  AuthorizationSettings& authorization = options.settings.authorization;
  switch (option) {
    case 'l':
      options.login_file = value;
      return {};
    case 'e':
      return assign(authorization.expires_in, parse_seconds(value));
    case 'r':
      authorization.required_parameters.emplace_back(value);
      return {};
    case 'i':
      return assign(options.settings.identity, parse_identity(value));
    case 'h':
      std::fputs(usage_text, stdout);
      std::exit(0);
    default:
      return usage_error("unknown option, or one without its value", value);
  }
}

Result<Options> parse_command_line(int argc, char** argv) {
  static const option known[] = {
      {"login", required_argument, nullptr, 'l'},   {"expires-in", required_argument, nullptr, 'e'},
      {"require", required_argument, nullptr, 'r'}, {"identity", required_argument, nullptr, 'i'},
      {"help", no_argument, nullptr, 'h'},          {}};
  Options options;
  opterr = 0;
  for (int found = 0; (found = ::getopt_long(argc, argv, "", known, nullptr)) != -1;) {
    const char* const value = found == '?' ? argv[optind - 1] : optarg;
    if (auto set = set_option(options, found, value); !set) return std::move(set).error();
  }
  if (optind + 1 != argc) return Error{ErrorKind::usage, "needs one directory", "token-endpoint --help"};
  options.directory = argv[optind];
  return options;
}

// Blocks the signals that end the program, for sigwait(3), and has SIGTERM sent when the parent dies.
sigset_t prepare_signals(pid_t parent) {
  sigset_t ending;
  ::sigemptyset(&ending);
  ::sigaddset(&ending, SIGTERM);
  ::sigaddset(&ending, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::raise(SIGTERM);  // it died before the request took effect
  return ending;
}

Result<void> publish(const std::string& path, const std::string& content, mode_t mode) {
  const auto slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const auto opened = open_file({.path = directory}, O_RDONLY | O_DIRECTORY);
  if (!opened) return Error(opened.error());
  AtomicFile::Options options;
  options.mode = mode;
  return replace_file(opened->get(), path.substr(slash + 1), directory, content, options);
}

Result<void> describe(TokenEndpoint& endpoint, const Options& options) {
  const auto login = [&] {
    return claude_credentials(endpoint.issue_login(), std::chrono::system_clock::now());
  };
  if (!options.login_file.empty()) {
    if (auto done = publish(options.login_file, login(), 0600); !done) return done;
  }
  if (auto done = publish(options.directory + "/ca.pem", TokenEndpoint::ca_pem(), 0644); !done) return done;
  if (auto done = publish(options.directory + "/url", endpoint.url() + "\n", 0644); !done) return done;
  return publish(options.directory + "/ready", std::to_string(::getpid()) + "\n", 0644);
}

Result<void> run(int argc, char** argv, pid_t parent) {
  const auto options = parse_command_line(argc, argv);
  if (!options) return Error(options.error());
  const sigset_t ending = prepare_signals(parent);
  TokenEndpoint endpoint(options->settings);
  endpoint.handle_control(control_api(endpoint));
  if (auto described = describe(endpoint, *options); !described) return described;
  int signal = 0;
  ::sigwait(&ending, &signal);
  return {};
}

int fail(const Error& error) {
  std::fprintf(stderr, "token-endpoint: error: %s\n", error.message.c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "hint: %s\n", error.hint.c_str());
  return static_cast<int>(exit_code(error.kind));
}

}  // namespace
}  // namespace oci_oauth::test

int main(int argc, char** argv) {
  const pid_t parent = ::getppid();
  try {
    const auto done = oci_oauth::test::run(argc, argv, parent);
    return done ? 0 : oci_oauth::test::fail(done.error());
  } catch (const std::exception& error) {
    return oci_oauth::test::fail({oci_oauth::ErrorKind::failed, error.what(), ""});
  }
}
