// SPDX-License-Identifier: Apache-2.0
#include "exchange/exchange_program.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"
#include "program/log.h"
#include "program/standard_options.h"
#include "worker/worker.h"

namespace oci_oauth {

namespace {

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

}  // namespace

int run_exchange_program(int argc, char** argv, const std::string& name, const char* help,
                         ExchangeReport (*work)(const ExchangeRequest&)) {
  if (const auto answered = answer_standard_options(argc, argv, name, help)) return *answered;
  return run_reported(Log::to_stderr(name), [&]() -> Result<ExitCode> {
    TRY(check_request_is_piped(argc, argv));
    keep_memory_private();
    ignore_interruptions();
    ::umask(022);
    const Secret text(TRY(read_file(STDIN_FILENO, longest_request, "request")));
    const auto request = TRY(read_request(text.reveal()));
    TRY(send_report(STDOUT_FILENO, work(request)));
    return ExitCode::fine;
  });
}

}  // namespace oci_oauth
