// SPDX-License-Identifier: Apache-2.0
#include "store/open_store.h"

#include <utility>

#include "store/http_store.h"

namespace oci_oauth {

std::unique_ptr<RecordStore> open_store(const FleetConfig& config, ClientIdentity identity) {
  return config.kubernetes ? open_kubernetes(config, std::move(identity))
                           : open_etcd(config, std::move(identity));
}

}  // namespace oci_oauth
