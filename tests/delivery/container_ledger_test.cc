// SPDX-License-Identifier: Apache-2.0
#include "delivery/container_ledger.h"

#include <unistd.h>

#include <map>

#include "support/catch.h"
#include "support/counted_calls.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

struct Directory {
  TempDir dir;
  UniqueFd fd = open();
  ContainerLedger ledger{fd.get()};

  UniqueFd open() const {
    std::filesystem::create_directory(dir / "containers");
    return UniqueFd(::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  void save(const ContainerRecord& record) const {
    REQUIRE(ledger.save(ledger.find(record.id, record.bundle).name, record));
  }
};

ContainerRecord a_record(const std::string& id, const std::string& bundle,
                         DeliveryKind kind = DeliveryKind::mount) {
  DeliveryRecord delivery;
  delivery.profile = "claude";
  delivery.kind = kind;
  return {id, bundle, {42, 4711}, {}, {delivery}};
}

}  // namespace

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
  written.directory = {5, 6};
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

TEST_CASE("the records with a written directory are found without reading the others") {
  const Directory d;
  CHECK(d.ledger.list_written()->records.empty());
  d.save(a_record("mounted", "/b"));
  d.save(a_record("written", "/b", DeliveryKind::write));
  const auto written = d.ledger.list_written();
  REQUIRE(written);
  REQUIRE(written->records.size() == 1);
  CHECK(written->records.front().id == "written");
  d.ledger.remove("written");
  CHECK(d.ledger.list_written()->records.empty());
  CHECK(d.ledger.list()->records.size() == 1);
  CHECK(d.ledger.find("written").error().kind == ErrorKind::not_found);
}

TEST_CASE("two containers of one id do not overwrite each other's record") {
  const Directory d;
  d.save(a_record("box", "/ns/a/box"));
  d.save(a_record("box", "/ns/b/box"));
  CHECK(d.ledger.list()->records.size() == 2);
  const auto second = d.ledger.find("box", "/ns/b/box");
  REQUIRE(second.record);
  CHECK(second.record->bundle == "/ns/b/box");
  d.ledger.remove(d.ledger.find("box", "/ns/a/box").name);
  CHECK(d.ledger.find("box", "/ns/b/box").record->bundle == "/ns/b/box");
  CHECK(d.ledger.find("box", "/ns/a/box").record.error().kind == ErrorKind::not_found);
}

TEST_CASE("damaged records and those of another version are named, and stay") {
  const Directory d;
  d.save(a_record("good", "/b"));
  d.dir.write("containers/broken.json", "{");
  d.dir.write("containers/newer.json", R"({"id":"newer","version":3,"deliveries":[]})");
  d.dir.write("containers/other.json", d.dir.read("containers/good.json"));
  const auto listing = d.ledger.list();
  REQUIRE(listing);
  CHECK(listing->records.size() == 1);
  std::string reasons;
  for (const Error& error : listing->unreadable) reasons += error.message + "\n";
  CHECK_THAT(reasons, Catch::Contains("containers/newer.json: was written by another version\n"));
  CHECK_THAT(reasons, Catch::Contains("containers/other.json: is the record of another container, 'good'\n"));
  CHECK_THAT(reasons, Catch::Contains("containers/broken.json:1:"));
  // A container of that id gets another name, and the damaged one stays for whoever looks into it.
  CHECK(d.ledger.find("broken", "/b").name != "broken");
}

TEST_CASE("one process at a time has the lock, and it ends with its holder") {
  const Directory d;
  {
    const auto held = d.ledger.lock(std::chrono::steady_clock::now());
    REQUIRE(held);
    CHECK(d.ledger.lock(std::chrono::steady_clock::now()).error().kind == ErrorKind::temporary);
  }
  CHECK(d.ledger.lock(std::chrono::steady_clock::now()));
}

TEST_CASE("what a killed save left is removed when it is old, and nothing else is") {
  const Directory d;
  d.save(a_record("written", "/b", DeliveryKind::write));
  const std::string temporary = d.dir.write("containers/.box.json.oci-oauth", "{"),
                    note = d.dir.write("written/box", "");
  REQUIRE(d.ledger.next_in_turn(10, now()));
  CHECK(std::filesystem::exists(temporary));
  CHECK(std::filesystem::exists(note));
  REQUIRE(d.ledger.next_in_turn(10, now() + std::chrono::minutes(2)));
  CHECK_FALSE(std::filesystem::exists(temporary));
  CHECK_FALSE(std::filesystem::exists(note));
  CHECK(d.ledger.list_written()->records.size() == 1);
}

namespace {

// How often each of `records` comes in `turns` of two.
std::map<std::string, int> count_turns(const Directory& d, int turns) {
  std::map<std::string, int> seen;
  for (int i = 0; i < turns; ++i) {
    const auto turn = d.ledger.next_in_turn(2, now());
    REQUIRE(turn);
    CHECK(turn->records.size() <= 2);
    for (const ContainerRecord& record : turn->records) ++seen[record.name];
  }
  return seen;
}

}  // namespace

TEST_CASE("every record has its turn, however many there are") {
  const Directory d;
  for (const char* id : {"a", "b", "c", "d", "e"}) d.save(a_record(id, "/b"));
  const auto seen = count_turns(d, 5);
  CHECK(seen.size() == 5);
}

TEST_CASE("fewer records than a turn has are all there each time, once") {
  const Directory d;
  for (const char* id : {"a", "b", "c"}) d.save(a_record(id, "/b"));
  REQUIRE(d.ledger.next_in_turn(2, now()));
  for (int i = 0; i < 3; ++i) {
    const auto turn = d.ledger.next_in_turn(10, now());
    REQUIRE(turn);
    CHECK(turn->records.size() == 3);
  }
}

TEST_CASE("the turns go on if their position is lost, damaged or beyond the end") {
  const Directory d;
  for (const char* id : {"a", "b", "c"}) d.save(a_record(id, "/b"));
  REQUIRE(d.ledger.next_in_turn(2, now()));
  for (const char* position : {"", "x", "-1", "9223372036854775807"}) {
    d.dir.write("containers.position", position);
    CHECK(count_turns(d, 3).size() == 3);
  }
  std::filesystem::remove(d.dir / "containers.position");
  CHECK(count_turns(d, 3).size() == 3);
}

TEST_CASE("a turn costs the same for any number of records") {
  const auto cost = [](int records) {
    const Directory d;
    for (int i = 0; i < records; ++i) d.save(a_record("box-" + std::to_string(1000 + i), "/b"));
    return count_calls([&] { (void)d.ledger.next_in_turn(20, now()); }).calls;
  };
  CHECK(cost(2000) == cost(100));
}
