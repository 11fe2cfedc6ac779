// SPDX-License-Identifier: Apache-2.0
// oci-oauth-exchange: performs one exchange as the login's owner. Reads the request from stdin and writes the
// report to stdout. Only oci-oauth starts it.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <exception>

#include "base/file.h"
#include "base/fmt.h"
#include "base/process.h"
#include "base/size.h"
#include "exchange/exchange.h"
#include "program/exit_code.h"
#include "program/log.h"
#include "program/standard_options.h"
#include "worker/stop_signals.h"

namespace oci_oauth {

namespace {

constexpr size_t request_limit = 16 * MiB;

// Only SIGKILL can end the exchange between two of its steps; a server or parent that hangs up and a limit on
// file sizes cannot.
void ignore_interruptions() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit size;
  if (::getrlimit(RLIMIT_FSIZE, &size) != 0) return;
  size.rlim_cur = size.rlim_max;
  ::setrlimit(RLIMIT_FSIZE, &size);
}

Result<void> run() {
  keep_memory_private();
  ignore_interruptions();
  ::umask(022);
  const StopSignals signals;
  auto text = TRY(read_file(STDIN_FILENO, request_limit, "request"));
  const auto request = TRY(read_request(text));
  return send_report(STDOUT_FILENO, keep_fresh(request, StopSignals::requested));
}

}  // namespace

}  // namespace oci_oauth

int main(int argc, char** argv) {
  using namespace oci_oauth;
  constexpr auto help =
      "usage: oci-oauth-exchange <REQUEST >REPORT\n\nperforms one token exchange for oci-oauth(1), which "
      "starts it\n";
  if (const auto answered = answer_standard_options(argc, argv, "oci-oauth-exchange", help)) return *answered;
  const Log log = Log::to_stderr("oci-oauth-exchange");
  try {
    const auto done = run();
    if (done) return static_cast<int>(ExitCode::fine);
    log.write(Priority::error, done.error());
    return static_cast<int>(exit_code(done.error().kind));
  } catch (const std::exception& error) {
    log.write(Priority::error, error.what());
    return static_cast<int>(ExitCode::failed);
  }
}
