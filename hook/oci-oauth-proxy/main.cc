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

struct Arguments {
  bool prepare = false, is_prepared = false;
  std::string config;
};

Result<Arguments> read_arguments(int argc, char** argv) {
  std::vector<std::string_view> words(argv + 1, argv + argc);
  Arguments arguments;
  if (!words.empty()) {
    arguments.prepare = words.front() == "--prepare";
    arguments.is_prepared = words.front() == "--prepared";
    if (arguments.prepare || arguments.is_prepared) words.erase(words.begin());
  }
  if (arguments.is_prepared) {
    TRY(check_operands(argc - 1, argv + 1, 0));
  } else {
    arguments.config = TRY(read_config_option(words));
  }
  return arguments;
}

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

Result<void> prepare(const std::string& config_file, const std::string& prefix,
                     const std::string& directory) {
  return write_nginx_file(TRY(open_configuration(config_file)), prefix, directory);
}

Result<void> run(const Arguments& arguments, const Log& log) {
  auto inherited = inherited_descriptors();
  ProxyInstance instance;
  if (arguments.is_prepared) {
    instance.directory = TRY(own_directory(""));
    instance.rejected_socket = from_environment("OCI_OAUTH_REJECTED_SOCKET");
    return ProxyService::run(instance, std::move(inherited), log);
  }
  const std::string prefix = TRY(installation_prefix(levels_of_helper));
  const auto config = TRY(open_configuration(arguments.config));
  instance.directory = TRY(own_directory(config.runtime_dir));
  instance.prepare = [&] { return prepare(config.path, prefix, instance.directory); };
  instance.sources = provider_directories(prefix);
  instance.sources.push_back(config.path.substr(0, config.path.rfind('/')));
  if (arguments.prepare) return instance.prepare();
  instance.control = config.runtime_dir + "/proxy.sock";
  instance.rejected_command = {
      prefix + "/bin/oci-oauth", "--config", config.path, "refresh", "--rejected", "--"};
  return ProxyService::run(instance, std::move(inherited), log);
}

}  // namespace

}  // namespace oci_oauth

int main(int argc, char** argv) {
  using namespace oci_oauth;
  if (const auto answered = answer_standard_options(argc, argv, program, help)) return *answered;
  const Log log = Log::to_stderr(program);
  return run_reported(log, [&]() -> Result<ExitCode> {
    keep_memory_private();
    const Arguments arguments = TRY(read_arguments(argc, argv));
    TRY(run(arguments, log));
    return ExitCode::fine;
  });
}
