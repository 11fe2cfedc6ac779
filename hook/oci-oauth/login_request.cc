// SPDX-License-Identifier: Apache-2.0
#include "login_request.h"

#include "base/fmt.h"

namespace oci_oauth {

Result<void> run_login(const Log& log, const Instance& instance, ExchangeRequest request,
                       const Patience& patience) {
  const char* const verb = request.login->action == LoginAction::log_in ? "login" : "logout";
  const std::string name = request.profile.name;
  const auto report =
      TRY(exchange_as_owner({instance.programs.helper("oci-oauth-login"), "", patience}, std::move(request)));
  auto done = report_notices(log, fmt::format("{} '{}'", verb, name), report);
  // Only a person tries it again.
  if (!done && done.error().kind == ErrorKind::temporary && done.error().hint.empty())
    done.error().hint = fmt::format("oci-oauth {} {}", verb, name);
  return done;
}

}  // namespace oci_oauth
