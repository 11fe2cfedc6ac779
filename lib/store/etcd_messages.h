// SPDX-License-Identifier: Apache-2.0
// The messages of etcd's JSON gateway (etcd.io, "gRPC gateway"; the messages' fields are those of rpc.proto
// in JSON: bytes are base64, 64-bit numbers are strings, and what is false, zero or empty is missing). A
// member ignores fields that it does not know, so only a real one shows that a request says what it should.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "fleet/store.h"

namespace oci_oauth::etcd {

// The keys that begin with a prefix are those up to here.
std::string range_end(std::string_view prefix);

Secret range_request(std::string_view key, std::string_view end = {});  // linearizable; no end: one key
Secret put_if_request(std::string_view key, std::string_view bytes, const std::optional<Stored>& expected);
Secret watch_request(std::string_view key, std::string_view end, std::int64_t first_revision);

Error not_such();  // of an answer that is not one

// Failure: it is not such an answer; of a watch, also that it ended, and why.
Result<Listing> read_range(std::string_view text);                 // its version: the store's revision
Result<bool> read_put_if(std::string_view text);                   // whether it was written
Result<std::vector<KeyChange>> read_watch(std::string_view line);  // none: the watch has begun

// Why a request failed, and whether it certainly changed nothing.
struct Refusal {
  std::string reason;
  bool is_certain = false;
};
Refusal read_refusal(long status, std::string_view text);

}  // namespace oci_oauth::etcd
