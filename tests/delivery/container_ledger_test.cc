// SPDX-License-Identifier: Apache-2.0
#include "delivery/container_ledger.h"

#include <unistd.h>

#include "support/catch.h"
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

TEST_CASE("the records with a written directory are found without reading the others") {
  const Directory d;
  CHECK(d.ledger.list_written()->entries.empty());
  d.save(a_record("mounted", "/b"));
  d.save(a_record("written", "/b", DeliveryKind::write));
  const auto written = d.ledger.list_written();
  REQUIRE(written);
  REQUIRE(written->entries.size() == 1);
  CHECK(written->entries.front().record.id == "written");
  d.ledger.remove("written");
  CHECK(d.ledger.list_written()->entries.empty());
  CHECK(d.ledger.list()->entries.size() == 1);
  CHECK(d.ledger.find("written").error().kind == ErrorKind::not_found);
}

TEST_CASE("two containers of one id do not overwrite each other's record") {
  const Directory d;
  d.save(a_record("box", "/ns/a/box"));
  d.save(a_record("box", "/ns/b/box"));
  CHECK(d.ledger.list()->entries.size() == 2);
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
  CHECK(listing->entries.size() == 1);
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
  d.ledger.remove_leftovers(now());
  CHECK(std::filesystem::exists(temporary));
  CHECK(std::filesystem::exists(note));
  d.ledger.remove_leftovers(now() + std::chrono::minutes(2));
  CHECK_FALSE(std::filesystem::exists(temporary));
  CHECK_FALSE(std::filesystem::exists(note));
  CHECK(d.ledger.list_written()->entries.size() == 1);
}
