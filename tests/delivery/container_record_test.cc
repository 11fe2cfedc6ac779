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

  const auto read = read_record<ContainerRecord>(write_record(record).reveal(), "r");
  REQUIRE(read);
  CHECK(*read == record);
}

TEST_CASE("a record of another version is refused") {
  for (const char* text : {R"({"id":"c1","version":3,"deliveries":[]})", R"({"id":"c1","deliveries":[]})"})
    CHECK(read_record<ContainerRecord>(text, "r").error().message == "r: was written by another version");
}

TEST_CASE(
    "what a record says of a written directory is whole and of the right type, or an error with its place") {
  const auto reason = [](const std::string& delivery) {
    const auto record =
        read_record<ContainerRecord>(R"({"version":2,"id":"c1","deliveries":[)" + delivery + "]}", "r");
    return record ? "" : record.error().message;
  };
  const std::string rest = R"("delivery":"write","source":"/s","device":1,"inode":2,"gid":3,"mode":292)";
  const std::string whole = rest + R"(,"files":[{"name":"token"}])";
  CHECK(reason("{" + whole + R"(,"uid":0})").empty());
  CHECK(reason("{" + whole + "}") == "r: /deliveries/0/uid: is missing");
  CHECK(reason("{" + whole + R"(,"uid":"0"})") == "r: /deliveries/0/uid: is not an integer");
  CHECK(reason("{" + whole + R"(,"uid":4294967295})") == "r: /deliveries/0: no file can have this owner");
  CHECK(reason("{" + whole + R"(,"uid":4294967296})") == "r: /deliveries/0/uid: is out of range");
  CHECK(reason("{" + whole + R"(,"uid":0,"state":"lost"})") ==
        "r: /deliveries/0/state: is not one of planned, delivered, failed");
  CHECK(reason(R"({"delivery":"gift"})") == "r: /deliveries/0/delivery: is not one of mount, write, socket");
  for (const char* file :
       {R"({"name":"../x"})", R"("token")", R"({"name":"."})", R"({"name":1})", "1",
        R"({"name":"x","sha256":[1]})", R"({"name":"x","member":"m"})", R"({"name":"x","sha256":"y"})"}) {
    INFO(file);
    CHECK_FALSE(reason("{" + rest + R"(,"uid":0,"files":[)" + file + "]}").empty());
  }
}
