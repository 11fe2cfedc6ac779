// SPDX-License-Identifier: Apache-2.0
#include "store/kubernetes_messages.h"

#include "base/base64.h"
#include "base/json.h"
#include "fleet/record.h"
#include "support/catch.h"

using namespace oci_oauth;
using namespace oci_oauth::kubernetes;

TEST_CASE("a record's Secret has the profile's name, and no two records have the same") {
  CHECK(*secret_name(login_key("claude")) == "oci-oauth-claude-login");
  CHECK(*secret_name(access_key("claude")) == "oci-oauth-claude");
  CHECK(*secret_name(access_key("my.claude-2")) == "oci-oauth-my.claude-2");
  CHECK_FALSE(secret_name(access_key("claude-login")));
  CHECK_FALSE(secret_name("/something/claude"));
  CHECK_FALSE(secret_name(access_key(std::string(254, 'a'))));
}

TEST_CASE("a patch tests the version and the bytes, and replaces them") {
  const Stored there = {"one", "41-abc"};
  CHECK(patch(sight_of(there), "two").reveal() ==
        R"([{"op":"test","path":"/metadata/resourceVersion","value":"41"},)"
        R"({"op":"test","path":"/data/record","value":"b25l"},)"
        R"({"op":"replace","path":"/data/record","value":"dHdv"}])");
  CHECK(patch({"41", false, std::nullopt}, "two").reveal() ==
        R"([{"op":"test","path":"/metadata/resourceVersion","value":"41"},)"
        R"({"op":"add","path":"/data","value":{"record":"dHdv"}}])");
}

TEST_CASE("a new Secret is opaque and says whose it is") {
  const auto made = *parse_json(new_secret("oci-oauth-a", "x").reveal(), "it");
  CHECK(json_string(made, "type") == "Opaque");
  CHECK(json_text(*json_at(made, "/data/record")) == "eA==");
  CHECK(json_text(*json_at(made, "/metadata/name")) == "oci-oauth-a");
  CHECK(json_text(*json_at(made, "/metadata/labels/app.kubernetes.io~1managed-by")) == "oci-oauth");
}

TEST_CASE("a list of one name has its version, and a Secret or none") {
  const auto empty = read_list(R"({"kind":"SecretList","metadata":{"resourceVersion":"7"},"items":[]})");
  REQUIRE(empty);
  CHECK(empty->resource_version == "7");
  CHECK_FALSE(empty->found);
  const auto one = read_list(
      R"({"kind":"SecretList","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"resourceVersion":"5"},"data":{"record":"b25l"}}]})");
  REQUIRE(one);
  CHECK(one->found->stored->bytes == "one");
  CHECK(one->found->stored->version.starts_with("5-"));
}

TEST_CASE("what is not an answer of the API is not read") {
  for (
      const char* const text :
      {"", "garbage", "[]", "{}", R"({"kind":"SecretList","items":[]})",
       R"({"kind":"SecretList","metadata":{"resourceVersion":"7"},"items":{}})",
       R"({"kind":"SecretList","metadata":{"resourceVersion":"7"},"items":[{}]})",
       R"({"kind":"SecretList","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"resourceVersion":"5"},"data":[]}]})",
       R"({"kind":"SecretList","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"resourceVersion":"5"},"data":{"record":"%%"}}]})",
       R"({"kind":"SecretList","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"resourceVersion":"5"}},{"metadata":{"resourceVersion":"5"}}]})"}) {
    CAPTURE(text);
    CHECK_FALSE(read_list(text));
    CHECK_FALSE(read_secret(text));
    CHECK_FALSE(read_event(text, "k"));
  }
}

TEST_CASE("an event is a change, a bookmark or an end") {
  const auto object =
      std::string(R"("object":{"metadata":{"resourceVersion":"5"},"data":{"record":"b25l"}}})");
  CHECK(read_event(R"({"type":"ADDED",)" + object, "k")->at(0).stored->bytes == "one");
  CHECK(read_event(R"({"type":"MODIFIED",)" + object, "k")->at(0).key == "k");
  CHECK_FALSE(read_event(R"({"type":"DELETED",)" + object, "k")->at(0).stored);
  CHECK(read_event(R"({"type":"BOOKMARK",)" + object, "k")->empty());
  CHECK_FALSE(read_event(R"({"type":"OTHER",)" + object, "k"));
  const auto ended =
      read_event(R"({"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}})", "k");
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message == "the changes since the last listing are gone");
}

TEST_CASE("a refusal is one printable line, and says what it is about") {
  CHECK(kubernetes::read_refusal(502, "<html>").reason == "answered 502");
  CHECK(kubernetes::read_refusal(403, R"({"message":"no\u001b[2J\nmore"})").reason == "no?[2J");
  CHECK(
      kubernetes::read_refusal(404, R"({"message":"m","details":{"kind":"namespaces"}})").is_about_namespace);
  CHECK_FALSE(
      kubernetes::read_refusal(404, R"({"message":"m","details":{"kind":"secrets"}})").is_about_namespace);
  CHECK(kubernetes::read_refusal(422, R"({"details":{"causes":[{"reason":"FieldValueTooLong"}]}})")
            .is_about_value);
  CHECK_FALSE(
      kubernetes::read_refusal(422, R"({"details":{"causes":[{"reason":"UnexpectedServerResponse"}]}})")
          .is_about_value);
}
