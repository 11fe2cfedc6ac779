// SPDX-License-Identifier: Apache-2.0
#include "fleet/record.h"

#include "config/config.h"

namespace oci_oauth {

namespace {

Result<void> check_names(const std::string& profile, const std::string& epoch) {
  if (!is_valid_name(profile)) return Error{ErrorKind::failed, "the profile is not a name"};
  if (epoch.empty()) return Error{ErrorKind::failed, "there is no epoch"};
  return {};
}

}  // namespace

LoginRecord LoginRecord::copy() const {
  LoginRecord same{profile,     epoch,      ordinal, generation, serial, nonce, by,        refresh_token_hash,
                   obtained_at, expires_at, intent,  rest,       state,  why,   is_healed, seal};
  same.document = document.copy();
  return same;
}

Result<void> check(const LoginRecord& login) {
  if (login.nonce.empty()) return Error{ErrorKind::failed, "there is no nonce"};
  return check_names(login.profile, login.epoch);
}

Result<void> check(const AccessRecord& access) {
  return check_names(access.profile, access.epoch);
}

}  // namespace oci_oauth
