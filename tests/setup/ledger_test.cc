// SPDX-License-Identifier: Apache-2.0
#include "setup/ledger.h"

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("a ledger reads back as it was written, empty texts and missing files included") {
  Ledger ledger;
  ledger.files.push_back({"/a", {"docker", "podman"}, Share::json_members, "", "{\"x\": \"\\u0000\"}\n"});
  ledger.files.push_back({"/b", {"crio"}, Share::whole, std::nullopt, ""});
  ledger.files.push_back({"/c", {"containerd"}, Share::toml_block, "a = 1", "a = 1\n# \t\"\\\n"});
  ledger.units.push_back({"x.timer", {"systemd"}});
  ledger.directories = {"/d", "/d/e"};
  const auto read = parse_ledger(format_ledger(ledger), "f");
  REQUIRE(read);
  REQUIRE(read->files.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(read->files[i].path == ledger.files[i].path);
    CHECK(read->files[i].engines == ledger.files[i].engines);
    CHECK(read->files[i].share == ledger.files[i].share);
    CHECK(read->files[i].before == ledger.files[i].before);
    CHECK(read->files[i].after == ledger.files[i].after);
  }
  CHECK(read->units.at(0).name == "x.timer");
  CHECK(read->directories == ledger.directories);
}

TEST_CASE("a ledger that was tampered with is refused with its place") {
  const auto reason = [](std::string_view text) {
    const auto ledger = parse_ledger(text, "f");
    return ledger ? "" : ledger.error().message;
  };
  CHECK(reason(R"({"files": [{"path": "/a", "after": "", "share": "most"}]})") ==
        "f: /files/0/share: is not a known share of a file");
  CHECK(reason(R"({"files": [{"path": "/a", "share": "whole"}]})") == "f: /files/0/after: is not a string");
  CHECK(reason(R"({"files": 1})") == "f: /files: is not an array");
}

TEST_CASE("a ledger has a version, and what another version added is ignored") {
  CHECK(format_ledger({}).find("\"version\": 1") != std::string::npos);
  const auto ledger = parse_ledger(
      R"({"version": 9, "colours": [], "files": [{"path": "/a", "after": "", "share": "whole", "mode": 1}],
          "units": [{"name": "x.timer", "engines": ["podman"], "since": 2}]})",
      "f");
  REQUIRE(ledger);
  CHECK(ledger->find("/a") != nullptr);
  CHECK(ledger->units.at(0).name == "x.timer");
}
