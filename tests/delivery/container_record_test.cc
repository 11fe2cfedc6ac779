// SPDX-License-Identifier: Apache-2.0
#include "delivery/container_record.h"

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("a record is read back as it was") {
  ContainerRecord record;
  record.id = "c1";
  record.bundle = "/bundles/c1";
  record.process = {42, 4711};
  DeliveryRecord written;
  written.profile = "claude";
  written.kind = DeliveryKind::write;
  written.state = DeliveryState::failed;
  written.reason = "no space";
  written.hint = "make some";
  written.target = "/t";
  written.source = "/s";
  written.device = 5;
  written.inode = 6;
  written.owner = {1000, 1001};
  written.mode = 0444;
  written.files = {{.name = "token", .was_there = true, .fingerprints = {"a", "b"}},
                   {.name = "d", .member = "/m", .access_token = "/m/a", .refresh_token = "/m/r"}};
  DeliveryRecord mounted;
  mounted.profile = "other";
  mounted.target = "/o";
  mounted.shadowed_by = {"ANTHROPIC_API_KEY"};
  record.deliveries = {mounted, written};

  const auto read = parse_record(format_record(record), "r");
  REQUIRE(read);
  CHECK(read->id == "c1");
  CHECK(read->bundle == "/bundles/c1");
  CHECK(read->process == record.process);
  REQUIRE(read->deliveries.size() == 2);
  CHECK(read->deliveries[0].kind == DeliveryKind::mount);
  CHECK(read->deliveries[0].state == DeliveryState::planned);
  CHECK(read->deliveries[0].shadowed_by == mounted.shadowed_by);
  CHECK(read->deliveries[1].state == DeliveryState::failed);
  CHECK(read->deliveries[1].reason == "no space");
  CHECK(read->deliveries[1].hint == "make some");
  CHECK(read->deliveries[1].source == "/s");
  CHECK(read->deliveries[1].owner.gid == 1001);
  CHECK(read->deliveries[1].files == written.files);
}

TEST_CASE("a record of version 1 names its files, and one of a version to come is refused") {
  const auto old = parse_record(
      R"({"id":"c1","pid":1,"deliveries":[{"delivery":"write","source":"/s","device":1,"inode":2,"uid":0,
          "gid":3,"mode":292,"files":["token"]}]})",
      "r");
  REQUIRE(old);
  CHECK(old->bundle.empty());
  REQUIRE(old->deliveries.size() == 1);
  CHECK(old->deliveries[0].files == std::vector<WrittenFile>{{.name = "token"}});
  CHECK(parse_record(R"({"id":"c1","version":3,"deliveries":[]})", "r").error().message ==
        "r: was written by a newer version");
}

TEST_CASE(
    "what a record says of a written directory is whole and of the right type, or an error with its place") {
  const auto reason = [](const std::string& delivery) {
    const auto record = parse_record(R"({"id":"c1","deliveries":[)" + delivery + "]}", "r");
    return record ? "" : record.error().message;
  };
  const std::string rest = R"("delivery":"write","source":"/s","device":1,"inode":2,"gid":3,"mode":292)";
  const std::string whole = rest + R"(,"files":["token"])";
  CHECK(reason("{" + whole + R"(,"uid":0})").empty());
  CHECK(reason("{" + whole + "}") ==
        "r: /deliveries/0: does not identify the written directory and its files");
  CHECK(reason("{" + whole + R"(,"uid":"0"})") == "r: /deliveries/0: /uid: is not an integer");
  CHECK_FALSE(reason("{" + whole + R"(,"uid":4294967295})").empty());
  CHECK(reason("{" + whole + R"(,"uid":0,"state":"lost"})") ==
        "r: /deliveries/0: /state: is not one of planned, delivered, failed");
  CHECK(reason(R"({"delivery":"gift"})") ==
        "r: /deliveries/0: /delivery: is neither \"mount\" nor \"write\"");
  for (const char* file :
       {R"("../x")", R"({"name":"."})", R"({"name":1})", "1", R"({"name":"x","sha256":[1]})",
        R"({"name":"x","member":"m"})", R"({"name":"x","sha256":"y"})"}) {
    INFO(file);
    CHECK_FALSE(reason("{" + rest + R"(,"uid":0,"files":[)" + file + "]}").empty());
  }
}
