// SPDX-License-Identifier: Apache-2.0
// The records of a fleet in etcd 3.4 or later, through its JSON gateway. A request goes to one member after the
// other, for 2 s each, until one answers; what may have been written is never sent twice. Nothing depends on
// leases, locks or etcd's users: the certificate of this host is what a member knows it by.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fleet/store.h"

namespace oci_oauth {

struct EtcdMembers {
  std::vector<std::string> endpoints;  // "https://etcd-1.example:2379", at least one
  std::string ca_file, certificate_file, key_file;
};

std::unique_ptr<RecordStore> open_etcd(EtcdMembers members);

}  // namespace oci_oauth
