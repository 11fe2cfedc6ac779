// SPDX-License-Identifier: Apache-2.0
// The records of a fleet as Secrets of one namespace, through the Kubernetes API. Each record is read and
// watched by its name, so that a Role can name the Secrets that a host may see. What may have been written is
// never sent twice.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fleet/store.h"
#include "http/http_request.h"

namespace oci_oauth {

struct KubernetesAccess {
  std::string server, name_space;
  // Both are read anew for each connection, because a service account's are replaced while it runs.
  std::string ca_file, token_file;    // token_file: empty is none
  ClientIdentity identity;            // empty: none
  std::vector<std::string> profiles;  // whose records list() and follow() look for
};

std::unique_ptr<RecordStore> open_kubernetes(KubernetesAccess access);

}  // namespace oci_oauth
