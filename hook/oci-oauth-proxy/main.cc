// SPDX-License-Identifier: Apache-2.0
// oci-oauth-proxy: adds the access token to the requests of containers that have none. It keeps running, as
// oci-oauth-proxy.service or by hand.
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <exception>

#include "base/environment.h"
#include "base/fmt.h"
#include "base/process.h"
#include "config/open_configuration.h"
#include "program/installation.h"
#include "program/standard_options.h"
#include "proxy/proxy_service.h"
#include "proxy/service_manager.h"

namespace oci_oauth {

namespace {

constexpr const char* program = "oci-oauth-proxy";
constexpr std::string_view help =
    "usage: oci-oauth-proxy [--config FILE]\n\n"
    "adds the access token to the requests of containers with delivery \"socket\"; 'oci-oauth install proxy' "
    "runs it as a service\n";

// $RUNTIME_DIRECTORY is RuntimeDirectory= of systemd.exec(5).
Result<std::string> own_directory(const Config& config) {
  std::string directory(from_environment("RUNTIME_DIRECTORY"));
  if (!directory.empty()) return directory;
  directory = config.runtime_dir + "/proxy";
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return Error::from_errno(errno, directory);
  return directory;
}

Result<void> run(const std::string& config, const Log& log) {
  auto inherited = inherited_descriptors();
  ProxyInstance instance = {TRY(open_configuration(config)), TRY(installation_prefix(levels_of_helper)), "",
                            std::string(from_environment("OCI_OAUTH_REJECTED_SOCKET"))};
  instance.directory = TRY(own_directory(instance.config));
  return ProxyService::run(instance, std::move(inherited), log);
}

}  // namespace

}  // namespace oci_oauth

int main(int argc, char** argv) {
  using namespace oci_oauth;
  if (const auto answered = answer_standard_options(argc, argv, program, help)) return *answered;
  const Log log = Log::to_stderr(program);
  try {
    keep_memory_private();
    const bool has_config = argc == 3 && std::strcmp(argv[1], "--config") == 0;
    if (argc != 1 && !has_config)
      return static_cast<int>(
          report(log, {ErrorKind::usage, "takes --config FILE only", "oci-oauth-proxy --help"}));
    const auto done = run(has_config ? argv[2] : "", log);
    return done ? 0 : static_cast<int>(report(log, done.error()));
  } catch (const std::exception& error) {
    return static_cast<int>(report(log, {ErrorKind::failed, error.what(), ""}));
  }
}
