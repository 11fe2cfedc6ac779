// SPDX-License-Identifier: Apache-2.0
#include "store/etcd_messages.h"

#include "support/catch.h"

using namespace oci_oauth;
using namespace oci_oauth::etcd;

TEST_CASE("the keys of a prefix end before the next one") {
  CHECK(range_end("/oci-oauth/1-access/") == "/oci-oauth/1-access0");
}

TEST_CASE("what is no answer of etcd's is refused, however much of one it is") {
  const std::string whole =
      R"({"header":{"revision":"7"},"kvs":[{"key":"aw==","mod_revision":"7","value":"dg=="}],"count":"1"})";
  CHECK(read_range(whole)->entries.at(0).stored->bytes == "v");
  for (size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(read_range(whole.substr(0, size)));
  for (const char* const text :
       {"", "[]", "null", "{}", R"({"header":{}})", R"({"header":{"revision":7}})",
        R"({"header":{"revision":"7x"}})", R"({"header":{"revision":"7"},"kvs":{}})",
        R"({"header":{"revision":"7"},"kvs":[{"key":"aw==","value":"d"}]})",
        R"({"header":{"revision":"7"},"kvs":[null]})", R"({"header":{"revision":"7"},"kvs":[{}]})"}) {
    CAPTURE(text);
    CHECK_FALSE(read_range(text));
  }
}

TEST_CASE("a write that did not succeed lacks the word") {
  CHECK(*read_put_if(R"({"header":{"revision":"7"},"succeeded":true})"));
  CHECK_FALSE(*read_put_if(R"({"header":{"revision":"7"}})"));
  CHECK_FALSE(read_put_if(R"({"succeeded":true})"));
}

TEST_CASE("the version tells a value from another one of the same revision") {
  const auto version = [](std::string_view value) {
    return read_range(R"({"header":{"revision":"7"},"kvs":[{"key":"aw==","mod_revision":"7","value":")" +
                      std::string(value) + R"("}]})")
        ->entries.at(0)
        .stored->version;
  };
  CHECK(version("dg==") != version("dw=="));
  CHECK(version("dg==") == version("dg=="));
}

TEST_CASE("a watch ends with its reason") {
  CHECK(read_watch(R"({"result":{"header":{"revision":"7"},"created":true}})")->empty());
  CHECK(read_watch(R"({"result":{"canceled":true,"compact_revision":"9"}})").error().message ==
        "the changes since the last listing were compacted");
  CHECK(
      read_watch(R"({"result":{"canceled":true,"cancel_reason":"etcdserver: no leader"}})").error().message ==
      "etcdserver: no leader");
  CHECK(read_watch(R"({"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader"}})")
            .error()
            .message == "etcdserver: no leader");
  CHECK_FALSE(read_watch("nonsense"));
}

TEST_CASE("a removal has a key and no value") {
  const auto answer =
      read_watch(R"({"result":{"events":[{"type":"DELETE","kv":{"key":"aw==","mod_revision":"9"}}]}})");
  REQUIRE(answer);
  CHECK(answer->at(0).key == "k");
  CHECK_FALSE(answer->at(0).stored);
}

TEST_CASE("a refusal says whether something can have changed") {
  const auto no_space = read_refusal(
      429,
      R"({"error":"etcdserver: mvcc: database space exceeded","code":8,"message":"etcdserver: mvcc: database space exceeded"})");
  CHECK(no_space.is_certain);
  CHECK(no_space.reason == "etcdserver: mvcc: database space exceeded");
  CHECK_FALSE(read_refusal(503, R"({"error":"etcdserver: request timed out","code":14})").is_certain);
  CHECK(read_refusal(502, "<html>").reason == "answered 502");
  CHECK(read_refusal(500, "{\"message\":\"a\\nb\\u001b[2J\"}").reason == "a?b?[2J");
}
