// SPDX-License-Identifier: Apache-2.0
#include "setup/change.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

struct HostWithRecord : TempDir {
  Host host = {.tree = *Tree::open(path()),
               .prefix = "/usr",
               .config = "/etc/oci-oauth/config.json",
               .ledger_path = "/state/ledger.json"};

  const Ledger& ledger() {
    host.ledger = *load_ledger(host);
    return host.ledger;
  }

  // Makes the change for `engine`, with a record of it.
  Result<void> make(const Change& change, const std::string& engine = "podman") {
    Ledger after = ledger();
    record(after, engine, change);
    return apply(host, {change}, after);
  }
  Change whole(const std::string& text) {
    ledger();
    return *plan_whole_file(host, "/file", text);
  }
  Change without(OwnedPart part = OwnedPart::whole) {
    ledger();
    return *plan_without_ours(host, "/file", part);
  }
};

}  // namespace

TEST_CASE("a whole file comes back as it was, and is recorded until then") {
  HostWithRecord machine;
  machine.write("file", "theirs");
  REQUIRE(machine.make(machine.whole("ours")));
  CHECK(machine.read("file") == "ours");
  CHECK(machine.ledger().find("/file")->before == "theirs");
  REQUIRE(machine.make(machine.without()));
  CHECK(machine.read("file") == "theirs");
  CHECK_FALSE(machine.host.tree.exists("/state"));
}

TEST_CASE("a whole file that a person has changed is that person's, in both directions") {
  HostWithRecord machine;
  REQUIRE(machine.make(machine.whole("ours")));
  machine.write("file", "changed");
  for (const Change& change : {machine.whole("newer"), machine.without()}) {
    CHECK(change.is_theirs());
    CHECK_FALSE(change.is_needed());
  }
}

TEST_CASE("a file that is ours though nothing is recorded goes as if there had been none") {
  HostWithRecord machine;
  machine.write("file", "ours");
  CHECK_FALSE(machine.whole("ours").is_needed());
  CHECK_FALSE(machine.whole("ours").without);
  CHECK(machine.whole("newer").without == "ours");
}

TEST_CASE("our members are removed from JSON that a person has changed, and nothing else") {
  HostWithRecord machine;
  machine.write("file", R"({"a": 1})");
  Change change = machine.without(OwnedPart::json_members);
  REQUIRE(set_member(change, {"b", "c"}, to_json(2)));
  REQUIRE(machine.make(change));
  machine.write("file", R"({"a": 3, "b": {"c": 2}})");
  CHECK(machine.without(OwnedPart::json_members).after == R"({"a": 3})");
}

TEST_CASE("a file that a person has emptied has nothing of ours, and stays empty") {
  HostWithRecord machine;
  machine.write("file", R"({"a": 1})");
  Change change = machine.without(OwnedPart::json_members);
  REQUIRE(set_member(change, {"b"}, to_json(2)));
  REQUIRE(machine.make(change));
  for (const char* text : {"", " \n"}) {
    machine.write("file", text);
    CHECK(machine.without(OwnedPart::json_members).after == text);
  }
}

TEST_CASE("what is left of a file that was not there before is no file, if it says nothing") {
  HostWithRecord machine;
  Change change = machine.without(OwnedPart::json_members);
  REQUIRE(set_member(change, {"b"}, to_json(2)));
  REQUIRE(machine.make(change));
  machine.write("file", R"({ "b":2 })");
  CHECK_FALSE(machine.without(OwnedPart::json_members).after);
  machine.write("file", R"({ "b":2, "mine": 1 })");
  CHECK(machine.without(OwnedPart::json_members).after);
}

TEST_CASE("if one change fails, those before it are undone, and so is the record") {
  HostWithRecord machine;
  machine.write("file", "theirs");
  machine.write("in-the-way", "");
  Change first = machine.whole("ours");
  const Change second = {.path = "/in-the-way/file", .after = "ours"};
  Ledger after;
  record(after, "podman", first);
  record(after, "podman", second);
  CHECK_FALSE(apply(machine.host, {first, second}, after));
  CHECK(machine.read("file") == "theirs");
  CHECK_FALSE(machine.host.tree.exists("/state"));
}

TEST_CASE("if the record cannot be made final, the changes are undone, and the record is the old one") {
  HostWithRecord machine;
  machine.write("file", "theirs");
  REQUIRE(machine.make(machine.whole("ours")));
  const Ledger old = machine.ledger();
  // The record is a link, whose target goes with the changes.
  std::filesystem::rename(machine / "state/ledger.json", machine / "record");
  std::filesystem::create_symlink("/record", machine / "state/ledger.json");
  const Change change = machine.whole("newer"), last = {.path = "/record", .before = machine.read("record")};
  Ledger after = old;
  record(after, "podman", change);
  CHECK_FALSE(apply(machine.host, {change, last}, after));
  CHECK(machine.read("file") == "ours");
  CHECK(machine.ledger() == old);
}

TEST_CASE("a file whose change was interrupted is ours, as it was and as it was to be") {
  HostWithRecord machine;
  machine.write("file", "theirs");
  REQUIRE(machine.make(machine.whole("ours")));
  const Change change = machine.whole("newer"),
               large = {.path = "/large", .after = std::string(100'000, '.')};
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit no_core = {}, small = {50'000, 50'000};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::setrlimit(RLIMIT_FSIZE, &small);  // the large file ends the process
    Ledger after = machine.ledger();
    record(after, "docker", change);
    (void)apply(machine.host, {large, change}, after);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(machine.read("file") == "ours");
  for (const char* text : {"ours", "newer"}) {
    machine.write("file", text);
    CHECK(machine.whole("newest").after == "newest");
    CHECK(machine.without().after == "theirs");
  }
  REQUIRE(machine.make(machine.whole("newest")));
  CHECK(machine.ledger().files.size() == 1);
  CHECK(machine.ledger().find("/file")->engines == std::set<std::string>{"docker", "podman"});
  REQUIRE(machine.make(machine.without()));
  CHECK(machine.ledger().empty());
}

TEST_CASE("a change is listed by what becomes of the file, and shown as diff -u") {
  const std::vector<Change> changes = {
      {.shown = "/tree/a", .after = "x\n"},
      {.shown = "/tree/b", .before = "x\n", .after = "y\n"},
      {.shown = "/tree/c", .before = "x\n"},
  };
  CHECK(list_changes(changes) == "wrote /tree/a\nchanged /tree/b\nremoved /tree/c\n");
  const auto diff = diff_of(changes);
  REQUIRE(diff);
  CHECK(diff->find("--- /dev/null\n+++ /tree/a\n") != std::string::npos);
  CHECK(diff->find("-x\n+y\n") != std::string::npos);
}

TEST_CASE("without diff(1), the changes cannot be shown, and the hint gets it") {
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", "/nowhere", 1);
  const auto diff = diff_of(std::vector<Change>{{.shown = "/a", .after = "x\n"}});
  ::setenv("PATH", path.c_str(), 1);
  REQUIRE_FALSE(diff);
  CHECK(diff.error().message == "the changes cannot be shown: diff: No such file or directory");
  CHECK(diff.error().hint == "apt-get install diffutils");
}
