// SPDX-License-Identifier: Apache-2.0
// The records of a fleet in etcd 3.4 or later, through its JSON gateway. A request goes to one member after
// the other, for 2 s each, until one answers; what may have been written is never sent twice. Nothing depends
// on leases, locks or etcd's users: a member knows this host by its certificate.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fleet/store.h"
#include "http/http_request.h"

namespace oci_oauth {

struct EtcdMembers {
  std::vector<std::string> endpoints;  // "https://etcd-1.example:2379", at least one
  std::string ca_file;                 // of the members' certificates
  ClientIdentity identity;
};

// Begins with any of the members, so that many hosts are spread over them.
std::unique_ptr<RecordStore> open_etcd(EtcdMembers members);

}  // namespace oci_oauth
