// SPDX-License-Identifier: Apache-2.0
#include "worker/exchange_request.h"

#include "support/catch.h"
#include "support/providers.h"
#include "support/record_equal.h"
#include "worker/worker.h"

using namespace oci_oauth;

namespace {

ExchangeRequest a_request() {
  ExchangeRequest request;
  request.profile.name = "work";
  request.profile.credentials = "/home/me/.claude/.credentials.json";
  request.profile.proxy = "http://proxy:3128";
  request.profile.refresh_before = std::chrono::minutes(20);
  auto provider = load_provider("claude", {test::providers_of(SOURCE_DIR)});
  REQUIRE(provider);
  request.provider = std::move(*provider);
  request.known.published.access_token_hash = "abc";
  request.known.published.not_before = Time(Milliseconds(17));
  request.known.history.dead_request_hash = "dead";
  request.force = Force::yes;
  request.min_ttl = std::chrono::minutes(5);
  request.endpoint = Endpoint::left_alone;
  request.rejected_token_hash = "def";
  request.client_secret = Secret(std::string_view("s3cret"));
  request.published_token = Secret(std::string_view("token"));
  request.owner = LoginOwner{1000, 1001, {1001, 27}, "me"};
  return request;
}

}  // namespace

TEST_CASE("what an exchange needs arrives as it was sent") {
  const ExchangeRequest sent = a_request();
  const auto arrived = read_request(write_record(sent).reveal());
  REQUIRE(arrived);
  CHECK(*arrived == sent);
  ExchangeRequest of_command = a_request();
  of_command.profile.source = ExecSource{
      .exec = {"/bin/x", "a"}, .user = "me", .environment = {{"A", "b"}}, .lifetime = std::chrono::hours(1)};
  const auto second = read_request(write_record(of_command).reveal());
  REQUIRE(second);
  CHECK(*second == of_command);
}

TEST_CASE("a text that is not a request is refused") {
  const std::string request(write_record(a_request()).reveal());
  REQUIRE(read_request(request));
  std::string other_version = request;
  other_version.replace(other_version.find(R"("version":4)"), 11, R"("version":2)");
  for (const std::string& text :
       {std::string(), std::string("{}"), std::string(R"({"version": 4})"), other_version})
    CHECK_FALSE(read_request(text));
  for (const std::string owner :
       {"{}", R"({"uid": -1, "gid": 0, "groups": []})", R"({"uid": 1000, "gid": 1000})",
        R"({"uid": 0.5, "gid": 0, "groups": []})", R"({"uid": 0, "gid": 0, "groups": ["wheel"]})", "1000"}) {
    const std::string start = request.substr(0, request.find(R"("owner":)"));
    CHECK_FALSE(read_request(start + R"("owner":)" + owner + "}"));
  }
}
