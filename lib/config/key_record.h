// SPDX-License-Identifier: Apache-2.0
// An object of the configuration as a record (base/record.h), by its description (keys.h): what one of our
// processes tells another.
#pragma once

#include <initializer_list>
#include <string_view>
#include <type_traits>

#include "base/record.h"
#include "config/keys.h"

namespace oci_oauth {

template <class Each>
class RecordKeys {
 public:
  using Help = DroppedHelp;
  template <class Enum>
  using Choice = KeyChoice<Enum, Help>;

  explicit RecordKeys(Each& each) : each_(each) {}

  void text(Key key, auto& member, auto, Help) { each_(key.name, member); }
  void texts(Key key, auto& member, auto, Help) { each_(key.name, member); }
  void text_or_texts(Key key, auto& member, auto, Help) { each_(key.name, member); }
  void pairs(Key key, auto& member, auto, auto, Help) { each_(key.name, member); }
  void command(Key key, auto& member, Help) { each_(key.name, member); }
  void duration(Key key, auto& member, Bounds, Help) { each_(key.name, member, Presence::required); }
  void mode(Key key, auto& member, Help) { each_(key.name, member, Presence::required); }
  void boolean(Key key, auto& member, Help) { each_(key.name, member); }
  template <class Enum>
  void choice(Key key, Enum& member, std::initializer_list<Choice<std::type_identity_t<Enum>>>, Help) {
    each_(key.name, member, Presence::required);
  }
  void object(Key key, auto& member, Help) { each_(key.name, member); }
  void objects(Key key, auto& member, Help) { each_(key.name, member); }
  void one_of(std::string_view, std::string_view, std::string_view = "") {}
  void not_both(std::string_view, std::string_view) {}
  void needs(std::string_view, std::initializer_list<std::string_view>) {}

 private:
  Each& each_;
};

// A writer, too, leaves what it is told as it is.
template <class Each, class Self>
void describe_keys(Each& each, Self& object) {
  RecordKeys<Each> keys(each);
  keys_of(keys, const_cast<std::remove_const_t<Self>&>(object));
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
void describe(auto& each, RecordOf<Provider> auto& provider) {
  each("name", provider.name);
  describe_keys(each, provider);
}
// What an exchange needs of a profile.
void describe(auto& each, RecordOf<Profile> auto& profile) {
  each("name", profile.name);
  each("credentials", profile.credentials);
  each("entry", profile.entry);
  each("source", profile.source);
  each("resource", profile.resource);
  each("client_file", profile.client_file);
  each("token_url", profile.token_url);
  each("issuer", profile.issuer);
  each("scopes", profile.scopes);
  each("redirect_uri", profile.redirect_uri);
  each("client_id", profile.client_id);
  each("ca_file", profile.ca_file);
  each("user_agent", profile.user_agent);
  each("proxy", profile.proxy);
  each("refresh_before_ms", profile.refresh_before, Presence::required);
}

}  // namespace oci_oauth
