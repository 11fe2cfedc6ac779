// SPDX-License-Identifier: Apache-2.0
// The messages of the Kubernetes API about Secrets (kubernetes.io, "API Concepts"): a record is the member
// "record" of a Secret's data. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "fleet/store.h"

namespace oci_oauth::kubernetes {

// "oci-oauth-PROFILE-login" or "oci-oauth-PROFILE". Failure (configuration): a Secret cannot have that name,
// or it would be that of another record.
Result<std::string> secret_name(std::string_view key);

// A Secret as it is there. Its version has the resource version and what identifies the bytes, because a
// store that was restored from a backup may count to the same number again.
struct SecretSight {
  std::string resource_version;
  bool has_data = false;
  std::optional<Stored> stored;  // nullopt: it has no record
};

// What a list of one name has, and the version from which it can be watched.
struct SecretList {
  std::string resource_version;
  std::optional<SecretSight> found;
};

Error not_such();  // of an answer that is not one

// Failure: it is not such an answer; of a watch, also that it ended, and why.
Result<SecretList> read_list(std::string_view text);
Result<SecretSight> read_secret(std::string_view text);
// Of the Secret of `key`; none: nothing has changed.
Result<std::vector<KeyChange>> read_event(std::string_view line, std::string_view key);

Secret new_secret(std::string_view name, std::string_view bytes);
// RFC 6902: over exactly the bytes of `there`, in its version.
Secret patch(const SecretSight& there, std::string_view bytes);
// What a writer has read before.
SecretSight sight_of(const Stored& stored);

// A Status that is not a success.
struct Refusal {
  std::string reason;
  bool is_about_value = false;      // a value of the Secret is not allowed
  bool is_about_namespace = false;  // it does not exist
};
Refusal read_refusal(long status, std::string_view text);

}  // namespace oci_oauth::kubernetes
