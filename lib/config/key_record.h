// SPDX-License-Identifier: Apache-2.0
// An object of the configuration as a record (base/record.h), by its description (keys.h): what one of our
// processes tells another.
#pragma once

#include "base/record.h"
#include "config/keys.h"

namespace oci_oauth {

void describe_keys(auto& each, auto& object) {
  EachKey keys = {[&](std::string_view key, auto& member) { each(key, member); }};
  keys_of(keys, object);
}

// Those that contain nothing else.
template <class Self>
concept OnlyKeys = RecordOf<Self, CredentialFields> || RecordOf<Self, ProviderLock> || RecordOf<Self, Api> ||
    RecordOf<Self, LoginPlace> || RecordOf<Self, KubernetesConfig> || RecordOf<Self, FleetConfig> ||
    RecordOf<Self, ExecSource>;
void describe(auto& each, OnlyKeys auto& object) {
  describe_keys(each, object);
}
void describe(auto& each, RecordOf<Pair> auto& pair) {
  each("name", pair.name);
  each("value", pair.value);
}
void describe(auto& each, RecordOf<DeliveredFile> auto& file) {
  describe_keys(each, file);
  each("access_token", file.access_token);
  each("refresh_token", file.refresh_token);
  each("client_secret", file.client_secret);
}
template <class Self>
concept NamedKeys = RecordOf<Self, Provider> || RecordOf<Self, Profile>;
void describe(auto& each, NamedKeys auto& object) {
  each("name", object.name);
  describe_keys(each, object);
}

}  // namespace oci_oauth
