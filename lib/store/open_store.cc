// SPDX-License-Identifier: Apache-2.0
#include "store/open_store.h"

#include <utility>

#include "etcd/etcd_store.h"
#include "kubernetes/kubernetes_store.h"

namespace oci_oauth {

std::unique_ptr<RecordStore> open_store(const FleetConfig& config, ClientIdentity identity) {
  if (!config.kubernetes) return open_etcd({config.endpoints, config.ca_file, std::move(identity)});
  return open_kubernetes({config.kubernetes->server, config.kubernetes->name_space, config.ca_file,
                          config.is_known_by_token() ? config.kubernetes->token_file : "",
                          std::move(identity), config.profiles});
}

}  // namespace oci_oauth
