// SPDX-License-Identifier: Apache-2.0
#include "setup/ledger.h"

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("a ledger reads back as it was written, empty texts and missing files included") {
  Ledger ledger;
  ledger.files.push_back({"/a", {"docker", "podman"}, OwnedPart::json_members, "", "{\"x\": \"\\u0000\"}\n"});
  ledger.files.push_back({"/b", {"crio"}, OwnedPart::whole, std::nullopt, ""});
  ledger.files.push_back({"/c", {"containerd"}, OwnedPart::toml_block, "a = 1", "a = 1\n# \t\"\\\n"});
  ledger.units["x.timer"] = {"systemd"};
  ledger.directories = {"/d", "/d/e"};
  const auto read = read_record<Ledger>(write_record(ledger, JsonStyle::indented).reveal(), "f");
  REQUIRE(read);
  CHECK(*read == ledger);
}

TEST_CASE("a ledger that was tampered with is refused with its place") {
  const auto reason = [](std::string_view text) {
    const auto ledger = read_record<Ledger>(text, "f");
    return ledger ? "" : ledger.error().message;
  };
  CHECK(reason(R"({"files": [{"path": "/a", "after": "", "share": "most"}]})") ==
        "f: /files/0/share: is not one of whole, json members, toml block");
  CHECK(reason(R"({"files": [{"path": "/a", "share": "whole"}]})") == "f: /files/0/after: is missing");
  CHECK(reason(R"({"files": 1})") == "f: /files: is not an array");
}

TEST_CASE("a ledger has a version, and what another version added is ignored") {
  CHECK(write_record(Ledger()).reveal().find("\"version\":1") != std::string_view::npos);
  const auto ledger = read_record<Ledger>(
      R"({"version": 9, "colours": [], "files": [{"path": "/a", "after": "", "share": "whole", "mode": 1}],
          "units": {"x.timer": ["podman"]}})",
      "f");
  REQUIRE(ledger);
  CHECK(ledger->find("/a") != nullptr);
  CHECK(ledger->units.contains("x.timer"));
}
