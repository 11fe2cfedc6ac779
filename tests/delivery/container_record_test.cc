// SPDX-License-Identifier: Apache-2.0
#include "delivery/container_record.h"

#include <unistd.h>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

TEST_CASE("a record is read back as it was, and files that are none are left out") {
  const TempDir dir;
  std::filesystem::create_directory(dir / "containers");
  const UniqueFd fd(::open((dir / "containers").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ContainerRecord record;
  record.id = "c1";
  record.process = {42, 4711};
  DeliveryRecord written;
  written.profile = "claude";
  written.kind = DeliveryKind::write;
  written.target = "/t";
  written.source = "/s";
  written.device = 5;
  written.inode = 6;
  written.owner = {1000, 1001};
  written.mode = 0444;
  written.files = {"token"};
  DeliveryRecord mounted;
  mounted.profile = "other";
  mounted.target = "/o";
  record.deliveries = {mounted, written};
  REQUIRE(save_record(fd.get(), record));
  dir.write("containers/broken.json", "{");

  const auto records = list_records(fd.get());
  REQUIRE(records);
  REQUIRE(records->size() == 1);
  const ContainerRecord& read = records->front();
  CHECK(read.id == "c1");
  CHECK(read.process == record.process);
  REQUIRE(read.deliveries.size() == 2);
  CHECK(read.deliveries[0].kind == DeliveryKind::mount);
  CHECK(read.deliveries[1].source == "/s");
  CHECK(read.deliveries[1].owner.gid == 1001);
  CHECK(read.deliveries[1].files == std::vector<std::string>{"token"});

  dir.write("containers/other.json", dir.read("containers/c1.json"));
  CHECK(load_record(fd.get(), "other").error().message ==
        "containers/other.json: is the record of container 'c1'");

  remove_record(fd.get(), "c1");
  CHECK(load_record(fd.get(), "c1").error().kind == ErrorKind::not_found);
}

TEST_CASE("the records with a written directory are found without reading the others") {
  const TempDir dir;
  std::filesystem::create_directory(dir / "containers");
  const UniqueFd fd(::open((dir / "containers").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  CHECK(list_written_records(fd.get())->empty());
  DeliveryRecord delivery;
  delivery.profile = "claude";
  REQUIRE(save_record(fd.get(), {"mounted", {42, 4711}, {}, {delivery}}));
  delivery.kind = DeliveryKind::write;
  REQUIRE(save_record(fd.get(), {"written", {42, 4711}, {}, {delivery}}));

  const auto records = list_written_records(fd.get());
  REQUIRE(records);
  REQUIRE(records->size() == 1);
  CHECK(records->front().id == "written");
  remove_record(fd.get(), "written");
  CHECK(list_written_records(fd.get())->empty());
  CHECK(list_records(fd.get())->size() == 1);
}

TEST_CASE(
    "what a record says of a written directory is whole and of the right type, or an error with its place") {
  const auto reason = [](const std::string& delivery) {
    const auto record = parse_record(R"({"id":"c1","deliveries":[)" + delivery + "]}", "r");
    return record ? "" : record.error().message;
  };
  const std::string whole =
      R"("delivery":"write","source":"/s","device":1,"inode":2,"gid":3,"mode":292,"files":["token"])";
  CHECK(reason("{" + whole + R"(,"uid":0})").empty());
  CHECK(reason("{" + whole + "}") ==
        "r: /deliveries/0: lacks the identity of a written directory or of its files");
  CHECK(reason("{" + whole + R"(,"uid":"0"})") == "r: /deliveries/0: /uid: is not an integer");
  CHECK_FALSE(reason("{" + whole + R"(,"uid":4294967295})").empty());
  CHECK(reason(R"({"delivery":"gift"})") ==
        "r: /deliveries/0: /delivery: is neither \"mount\" nor \"write\"");
  CHECK_FALSE(
      reason(R"({"delivery":"write","device":1,"inode":2,"uid":0,"gid":3,"mode":292,"files":["../x"]})")
          .empty());
}
