// SPDX-License-Identifier: Apache-2.0
#include "oci/spec.h"

#include "support/catch.h"

using namespace oci_oauth;

namespace {

constexpr const char* example = R"({
  "ociVersion": "1.0.2",
  "process": {"user": {"uid": 1000, "gid": 1001, "additionalGids": [1]}, "args": ["sh"], "rlimits": [{"hard": 1}]},
  "root": {"path": "rootfs", "readonly": true},
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/t", "type": "none", "source": "/s", "options": ["ro", "rbind"]}
  ],
  "annotations": {"a": "b"},
  "linux": {
    "uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
    "gidMappings": [{"containerID": 0, "hostID": 200000, "size": 65536}],
    "mountLabel": "label",
    "seccomp": {"syscalls": [{"names": ["read"], "root": {"path": "not this"}}]}
  }
})";

std::string reason(const std::string& text) {
  const auto spec = parse_spec(text, "config.json");
  return spec ? "" : spec.error().message;
}

}  // namespace

TEST_CASE("a state has an id, a bundle, and a pid while the container runs") {
  const auto state =
      parse_state(R"({"ociVersion":"1.0","id":"a1","pid":42,"status":"creating","bundle":"/b"})");
  REQUIRE(state);
  CHECK(state->id == "a1");
  CHECK(state->pid == 42);
  CHECK(state->bundle == "/b");
  CHECK(parse_state(R"({"id":"a1","bundle":"/b"})")->pid == 0);
}

TEST_CASE("a runtime that writes -1 for a process that is gone means none") {
  CHECK(parse_state(R"({"id":"a1","bundle":"/b","pid":-1})")->pid == 0);
}

TEST_CASE("a state in any other format is refused") {
  for (const char* text :
       {"", "{", "[]", "{}", R"({"id":"a"})", R"({"id":"../a","bundle":"/b"})", R"({"id":"a","bundle":"b"})",
        R"({"id":"a","bundle":"/b","pid":-2})", R"({"id":"a","bundle":"/b","pid":"1"})",
        R"({"id":"a","bundle":"/b","pid":1.5})", R"({"id":"a","bundle":"/b","pid":18446744073709551615})"}) {
    const auto state = parse_state(text);
    REQUIRE_FALSE(state);
    CHECK(state.error().message.starts_with("state"));
  }
}

TEST_CASE("an id that could lead out of a directory is not an id") {
  CHECK(is_valid_container_id("3f0c_A.b+c-d"));
  for (const char* id : {"", ".", "..", ".a", "a/b", "a b"}) CHECK_FALSE(is_valid_container_id(id));
}

TEST_CASE("a spec is what the hook needs of config.json, and nothing of the rest") {
  const auto spec = parse_spec(example, "config.json");
  REQUIRE(spec);
  CHECK(spec->root_path == "rootfs");
  CHECK(spec->uid == 1000);
  CHECK(spec->gid == 1001);
  REQUIRE(spec->mounts.size() == 2);
  CHECK_FALSE(spec->mounts[0].bind);
  CHECK(spec->mounts[1].bind);
  CHECK(spec->mounts[1].source == "/s");
  CHECK(*spec->annotation("a") == "b");
  CHECK(spec->mount_label == "label");
}

TEST_CASE("a variable is assigned where an assignment begins with its name") {
  const std::string text =
      R"({"process":{"env":["PATH=/bin","A_KEY=x","MY_B_KEY=A_TOKEN=1"],"args":["B_KEY"]}})";
  CHECK(assigned_among({"A_KEY", "B_KEY", "A_TOKEN", "PATH"}, text) ==
        std::vector<std::string>{"A_KEY", "PATH"});
  CHECK(assigned_among({}, text).empty());
}

TEST_CASE("null is absence, as it is for the runtimes") {
  CHECK(
      parse_spec(R"({"root":{"path":"r"},"mounts":null,"process":null,"annotations":null})", "config.json"));
}

TEST_CASE("a container with CAP_SYS_ADMIN can change its mounts") {
  const auto can = [](const std::string& sets) {
    const auto spec =
        parse_spec(R"({"root":{"path":"r"},"process":{"capabilities":)" + sets + "}}", "config.json");
    return spec && spec->may_mount;
  };
  CHECK(can(R"({"bounding":["CAP_CHOWN","CAP_SYS_ADMIN"]})"));
  CHECK_FALSE(can(R"({"bounding":["CAP_CHOWN"]})"));
}

TEST_CASE("a config.json with another structure is refused with its place") {
  CHECK(reason("") == "config.json:1:1: not JSON: invalid value");
  CHECK(reason("{") != "");
  CHECK(reason(std::string("{}\0{}", 5)) == "config.json:1:3: not JSON: something follows the value");
  CHECK(reason("{}") == "config.json: /root/path: is missing");
  CHECK(reason(R"({"root":{"path":"r"},"process":{"user":{"uid":-1}}})")
            .find("/process/user/uid: is not a 32-bit number") != std::string::npos);
  CHECK(reason(R"({"mounts":[],"mounts":[]})").find("duplicate key 'mounts'") != std::string::npos);
  CHECK(reason("[]") == "config.json:1:1: is not an object");
  for (const auto& [text, member] : std::initializer_list<std::pair<const char*, const char*>>{
           {R"({"mounts":{}})", "/mounts: is not an array"},
           {R"({"mounts":[1]})", "/mounts: is not an object"},
           {R"({"process":7})", "/process: is not an object"},
           {R"({"process":{"user":"root"}})", "/process/user: is not an object"},
           {R"({"process":{"user":{"uid":"0"}}})", "/process/user/uid: is not a 32-bit number"},
           {R"({"root":{"path":false}})", "/root/path: is not a string"},
           {R"({"mounts":[{"destination":[]}]})", "/mounts/destination: is not a string"},
           {R"({"annotations":{"a":1}})", "/annotations/a: is not a string"}}) {
    INFO(text);
    CHECK(reason(text).find(member) != std::string::npos);
  }
  CHECK(reason(R"({"a":)" + std::string(100'000, '[')).find("nested deeper") != std::string::npos);
}

TEST_CASE("a key that is kept must not be there twice") {
  for (const auto& [text, key] : std::initializer_list<std::pair<const char*, const char*>>{
           {R"({"root":{"path":"a","path":"b"}})", "path"},
           {R"({"root":{"path":"a"},"mounts":[{"source":"/a","source":"/b"}]})", "source"},
           {R"({"root":{"path":"a"},"process":{"user":{"uid":0,"gid":0,"uid":1}}})", "uid"},
           {R"({"root":{"path":"a"},"linux":{"mountLabel":"a","mountLabel":"b"}})", "mountLabel"},
           {R"({"root":{"path":"a"},"annotations":null,"annotations":{}})", "annotations"},
           {R"({"\u0072oot":{"path":"a"},"root":{"path":"b"}})", "root"}}) {
    INFO(text);
    CHECK(reason(text).find("duplicate key '" + std::string(key) + "'") != std::string::npos);
  }
}

TEST_CASE("what is passed over hides nothing that follows") {
  for (const char* passed : {R"(["]", "\"]", "\\", {"a": "}"}, [[]], -1.5e3, true])", R"("\\\"}")",
                             "\"\xff\"", R"({"mounts": [{"destination": "/not-this"}]})", "null", "0"}) {
    INFO(passed);
    const auto spec = parse_spec(R"({"x":)" + std::string(passed) + R"(,"root":{"y":[],"path":"r","z":{}}})",
                                 "config.json");
    REQUIRE(spec);
    CHECK(spec->root_path == "r");
    CHECK(spec->mounts.empty());
  }
  for (const char* comment : {R"({"x":[/* " */],"root":{"path":"r"}})", R"({"x":['],"root":{"path":"r"}})"})
    CHECK(reason(comment).find("not JSON") != std::string::npos);
}
