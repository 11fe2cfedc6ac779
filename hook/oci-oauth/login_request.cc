// SPDX-License-Identifier: Apache-2.0
#include "login_request.h"

#include "base/fmt.h"

namespace oci_oauth {

Result<ExchangeRequest> login_request(const Instance& instance, const Profile& profile) {
  const auto share = TRY(instance.runtime.share(profile.name));
  return exchange_request(instance.refresher(), profile, share.get());
}

Result<void> run_login(const Log& log, const Instance& instance, ExchangeRequest request,
                       const Patience& patience) {
  const std::string verb = request.login->action == LoginAction::log_in ? "login" : "logout";
  const std::string name = request.profile.name;
  const auto report =
      TRY(exchange_as_owner({instance.programs.helper("oci-oauth-login"), "", patience}, std::move(request)));
  for (const std::string& notice : report.notices)
    log.write(Priority::notice, fmt::format("{} '{}': {}", verb, name, notice));
  if (!report.failure) return {};
  Error error = to_error(*report.failure);
  // Only a person tries it again.
  if (error.kind == ErrorKind::temporary && error.hint.empty())
    error.hint = fmt::format("oci-oauth {} {}", verb, name);
  return error;
}

}  // namespace oci_oauth
