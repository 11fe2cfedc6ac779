// SPDX-License-Identifier: Apache-2.0
// oci-oauth-onecli: updates one secret of a OneCLI server as the login's owner. Reads the request from stdin;
// on failure exits with 1, and prints a message and, on a second line, a hint. Only oci-oauth starts it.
#include <unistd.h>

#include <exception>

#include "base/file.h"
#include "base/fmt.h"
#include "base/process.h"
#include "exchange/patch_secret.h"
#include "program/log.h"
#include "program/standard_options.h"
#include "worker/login_owner.h"

namespace oci_oauth {

namespace {

// The capacity of a pipe (sinks/program.h).
constexpr size_t request_limit = 64 * KiB;

Result<void> run() {
  keep_memory_private();
  const Secret text(TRY(read_to_end(STDIN_FILENO, request_limit, "request")));
  auto request = TRY(read_record<OneCliRequest>(text.reveal(), "request"));
  if (is_host_root()) {
    auto owner = TRY(find_login_owner(request.credentials));
    TRY(become(owner));
  }
  return patch_secret(request);
}

int fail(std::string_view message, std::string_view hint) {
  (void)write_all(STDOUT_FILENO, fmt::format("{}\n{}\n", message, hint), "stdout");
  return static_cast<int>(ExitCode::failed);
}

}  // namespace

}  // namespace oci_oauth

int main(int argc, char** argv) {
  constexpr auto help =
      "usage: oci-oauth-onecli <REQUEST\n\nupdates a OneCLI secret for oci-oauth(1), which starts it\n";
  if (const auto answered = oci_oauth::answer_standard_options(argc, argv, "oci-oauth-onecli", help))
    return *answered;
  if (const auto started = oci_oauth::check_request_is_piped(argc, argv); !started)
    return static_cast<int>(report(oci_oauth::Log::to_stderr("oci-oauth-onecli"), started.error()));
  try {
    const auto done = oci_oauth::run();
    return done ? 0 : oci_oauth::fail(done.error().message, done.error().hint);
  } catch (const std::exception& error) {
    return oci_oauth::fail(error.what(), "");
  }
}
