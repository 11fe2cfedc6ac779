// SPDX-License-Identifier: Apache-2.0
#include "worker/exchange_request.h"

#include "base/json.h"
#include "support/catch.h"

using namespace oci_oauth;

namespace {

ExchangeRequest a_request() {
  ExchangeRequest request;
  request.profile.name = "work";
  request.profile.credentials = "/home/me/.claude/.credentials.json";
  request.profile.proxy = "http://proxy:3128";
  request.profile.refresh_before = std::chrono::minutes(20);
  auto provider = load_provider("claude", {SOURCE_DIR "/oci-config/providers"});
  REQUIRE(provider);
  request.provider = std::move(*provider);
  request.published.access_token_hash = "abc";
  request.published.not_before = Time(Milliseconds(17));
  request.force = Force::yes;
  request.min_ttl = std::chrono::minutes(5);
  request.endpoint = Endpoint::left_alone;
  request.rejected_token_hash = "def";
  request.owner = LoginOwner{1000, 1001, {1001, 27}, "me"};
  return request;
}

}  // namespace

TEST_CASE("what an exchange needs arrives as it was sent") {
  const ExchangeRequest sent = a_request();
  const auto arrived = parse_request(format_request(sent));
  REQUIRE(arrived);
  CHECK(arrived->profile.name == sent.profile.name);
  CHECK(arrived->profile.credentials == sent.profile.credentials);
  CHECK(arrived->profile.proxy == sent.profile.proxy);
  CHECK(arrived->profile.refresh_before == sent.profile.refresh_before);
  CHECK(arrived->provider.client_id == sent.provider.client_id);
  CHECK(arrived->provider.body == sent.provider.body);
  CHECK(arrived->provider.scope == sent.provider.scope);
  CHECK(arrived->provider.fields.refresh_token == sent.provider.fields.refresh_token);
  CHECK(arrived->provider.fields.login_expires_at == sent.provider.fields.login_expires_at);
  CHECK(arrived->provider.fields.unit == sent.provider.fields.unit);
  CHECK(arrived->provider.fields.client_id == sent.provider.fields.client_id);
  CHECK(arrived->provider.fields.login_end == sent.provider.fields.login_end);
  CHECK(arrived->provider.locks == sent.provider.locks);
  CHECK(arrived->provider.lock_owner == sent.provider.lock_owner);
  REQUIRE(arrived->provider.save_locks.size() == 1);
  CHECK(arrived->provider.save_locks[0].path == sent.provider.save_locks.at(0).path);
  CHECK(arrived->provider.save_locks[0].stale_after == sent.provider.save_locks.at(0).stale_after);
  CHECK(arrived->provider.terminal_errors == sent.provider.terminal_errors);
  REQUIRE(arrived->provider.deliver.size() == sent.provider.deliver.size());
  CHECK(arrived->provider.deliver[0].name == sent.provider.deliver[0].name);
  CHECK(arrived->provider.deliver[0].fields == sent.provider.deliver[0].fields);
  CHECK(format_published(arrived->published) == format_published(sent.published));
  CHECK(arrived->force == Force::yes);
  CHECK(arrived->min_ttl == sent.min_ttl);
  CHECK(arrived->endpoint == sent.endpoint);
  CHECK(arrived->rejected_token_hash == "def");
  REQUIRE(arrived->owner);
  CHECK(arrived->owner->uid == 1000);
  CHECK(arrived->owner->gid == 1001);
  CHECK(arrived->owner->groups == std::vector<gid_t>{1001, 27});
  // Sent again it is the same text: no member is lost on the way.
  CHECK(format_request(*arrived) == format_request(sent));
}

TEST_CASE("a text that is not a request is refused") {
  CHECK_FALSE(parse_request(""));
  CHECK_FALSE(parse_request("{}"));
  CHECK_FALSE(parse_request(R"({"version": 2, "profile": {}, "provider": {}, "published": "none"})"));
  std::string request = format_request(a_request());
  CHECK(parse_request(request));
  std::string other_version = request;
  other_version.replace(other_version.find(R"("version":2)"), 11, R"("version":1)");
  CHECK_FALSE(parse_request(other_version));
  for (const std::string owner :
       {"{}", R"({"uid": -1, "gid": 0, "groups": []})", R"({"uid": 1000, "gid": 1000})",
        R"({"uid": 0.5, "gid": 0, "groups": []})", R"({"uid": 0, "gid": 0, "groups": ["wheel"]})", "1000"}) {
    const std::string start = request.substr(0, request.find(R"("owner":)"));
    CHECK_FALSE(parse_request(start + R"("owner":)" + owner + "}"));
  }
}
