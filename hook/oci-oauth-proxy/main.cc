// SPDX-License-Identifier: Apache-2.0
// oci-oauth-proxy: adds the access token to the requests of containers that have none. It keeps running, as
// oci-oauth-proxy.service or by hand.
#include <sys/stat.h>

#include <cerrno>

#include "base/fmt.h"
#include "base/process.h"
#include "base/service_manager.h"
#include "config/provider.h"
#include "config/scope.h"
#include "program/hint.h"
#include "program/installed_programs.h"
#include "program/log.h"
#include "program/standard_options.h"
#include "proxy/nginx_configuration.h"
#include "proxy/proxy_service.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

namespace {

constexpr const char* program = "oci-oauth-proxy";
constexpr std::string_view help =
    "usage: oci-oauth-proxy [--config FILE]\n"
    "       oci-oauth-proxy --prepare [--config FILE]\n"
    "       oci-oauth-proxy --prepared\n\n"
    "adds the access token to the requests of containers with delivery \"socket\"; 'oci-oauth install proxy' "
    "runs it as a service. --prepare only writes what it needs of the configuration to $RUNTIME_DIRECTORY, "
    "and --prepared needs nothing else\n";

// $RUNTIME_DIRECTORY is RuntimeDirectory= of systemd.exec(5).
Result<std::string> own_directory(const std::string& runtime_dir) {
  std::string directory(from_environment("RUNTIME_DIRECTORY"));
  if (!directory.empty()) return directory;
  if (runtime_dir.empty())
    return Error{ErrorKind::failed, "RUNTIME_DIRECTORY is not set", help_of_this_program()};
  (void)TRY(RuntimeDir::open(runtime_dir));  // it may be the first program on this host
  directory = runtime_dir + "/proxy";
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return Error::from_errno(errno, directory);
  return directory;
}

Result<void> run(int argc, char** argv, const Log& log) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  auto inherited = inherited_descriptors();
  ProxyInstance instance;
  if (mode == "--prepared") {
    TRY(check_operands(argc - 1, argv + 1, 0));
    instance.directory = TRY(own_directory(""));
    instance.rejected_socket = from_environment("OCI_OAUTH_REJECTED_SOCKET");
    return run_proxy(instance, std::move(inherited), log);
  }
  const bool only_prepares = mode == "--prepare";
  const auto file = TRY(read_config_option({argv + (only_prepares ? 2 : 1), argv + argc}));
  const std::string prefix = TRY(installation_prefix(levels_of_helper));
  const auto config = TRY(open_configuration(file));
  instance.directory = TRY(own_directory(config.runtime_dir));
  instance.prepare = [&]() -> Result<void> {
    return write_nginx_file(TRY(open_configuration(config.path)), prefix, instance.directory);
  };
  if (only_prepares) return instance.prepare();
  instance.sources = provider_directories(prefix);
  instance.sources.push_back(config.path.substr(0, config.path.rfind('/')));
  instance.control = config.runtime_dir + "/proxy.sock";
  instance.rejected_command = {
      prefix + "/bin/oci-oauth", "--config", config.path, "refresh", "--rejected", "--"};
  return run_proxy(instance, std::move(inherited), log);
}

}  // namespace

}  // namespace oci_oauth

int main(int argc, char** argv) {
  using namespace oci_oauth;
  if (const auto answered = answer_standard_options(argc, argv, program, help)) return *answered;
  const Log log = Log::to_stderr(program);
  return run_reported(log, [&]() -> Result<ExitCode> {
    keep_memory_private();
    TRY(run(argc, argv, log));
    return ExitCode::fine;
  });
}
