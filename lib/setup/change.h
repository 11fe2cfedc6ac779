// SPDX-License-Identifier: Apache-2.0
// A change of one file, as plain data. It is planned by reading alone, so that it can be shown; then changes
// are made all or none, with a record (ledger.h) by which a later change is their opposite.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "setup/host.h"

namespace oci_oauth {

struct Change {
  std::string path = {}, shown = {};        // in the tree, and for messages
  OwnedPart part = OwnedPart::whole;        // of the file, that is ours
  std::optional<std::string> before = {};   // the file as it is; nullopt: there is none
  std::optional<std::string> without = {};  // without our part
  std::optional<std::string> after = {};    // as it is to be
  bool is_edited = false;                   // a person has changed our part since it was written

  bool is_needed() const { return before != after; }
  // A whole file that a person has changed is that person's.
  bool is_theirs() const { return is_edited && part == OwnedPart::whole; }
};

// A text without what is ours in it, as far as the text alone shows. Failure: it cannot be parsed.
using RemoveOurs = Result<std::string> (*)(const std::string& text, const std::string& source);

// Removes our part: what the ledger says of it, and of a file that differs from that, also what
// `remove_ours` finds (by default, a TOML block). Failure: the file cannot be read or parsed.
Result<Change> plan_without_ours(const Host& host, const std::string& path, OwnedPart part,
                                 RemoveOurs remove_ours = nullptr);

// Makes `text` the whole file, unless it is a person's.
Result<Change> plan_whole_file(const Host& host, const std::string& path, std::string text);

// Sets a member of the planned JSON. Failure: as set_json_value().
Result<void> set_member(Change& change, const JsonPath& path, const JsonValue& value);

// The JSON of a file; an empty object if the file is missing or blank.
std::string json_of(const std::optional<std::string>& file);

// The ledger as it is once the change has been made for `engine`.
void record(Ledger& ledger, const std::string& engine, const Change& change);

// What was recorded for the host; empty if nothing was.
Result<Ledger> load_ledger(const Host& host);

// Makes the changes and saves the ledger. Failure: the changes made so far were undone.
Result<void> apply(const Host& host, const std::vector<Change>& changes, Ledger ledger);

// The changes in the format of diff -u. Failure: diff(1) cannot be run.
Result<std::string> diff_of(const std::vector<Change>& changes);

// "wrote PATH", "changed PATH", "removed PATH": a line each.
std::string list_changes(const std::vector<Change>& changes);

}  // namespace oci_oauth
