// SPDX-License-Identifier: Apache-2.0
// Changes a tree's files to what an engine needs, and back. All changes are planned before anything is
// touched, so that they can be shown; then they are made completely, or undone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_edit.h"
#include "base/result.h"
#include "setup/ledger.h"
#include "setup/tree.h"

namespace oci_oauth {

struct JsonSetting {
  JsonPath path;
  std::string value;  // JSON
};

// A member that is ours whoever wrote or changed it.
struct OwnedMember {
  JsonPath path;
  std::string value = {};  // JSON; not empty: ours only with this value
};

// What an engine needs of one file.
struct WantedFile {
  std::string path;
  OwnedPart part = OwnedPart::whole;
  std::string text = {};                  // the whole file, or the lines of the TOML block
  std::vector<JsonSetting> members = {};  // if the part is json_members
  std::vector<OwnedMember> owned = {};    // of those: members that are removed as a whole
  std::vector<JsonSetting> kept = {};     // what uninstall leaves in their place for now
};

struct Change {
  std::string path;
  std::optional<std::string> before, after;  // nullopt: no such file
};

struct Registration {
  std::vector<Change> changes;
  std::vector<std::string> notes;  // what a person should know
  Ledger ledger;                   // the new content
};

// Failure: a file that cannot be read or parsed; nothing has been changed.
Result<Registration> plan_install(const Tree& tree, Ledger ledger, const std::string& engine,
                                  const std::vector<WantedFile>& wanted,
                                  const std::vector<std::string>& unwanted);

// `wanted` is what plan_install would get: it identifies our part of a file that is not in the ledger. A file
// in which something is kept stays in the ledger, for the next uninstall.
Result<Registration> plan_uninstall(const Tree& tree, Ledger ledger, const std::string& engine,
                                    const std::vector<WantedFile>& wanted);

// The ledger of a tree; empty if there is none.
Result<Ledger> load_ledger(const Tree& tree, const std::string& path);

// The JSON of a file; an empty object if the file is missing or empty.
std::string json_of(const std::optional<std::string>& file);

// A file without our part; nullopt if there would be no file.
Result<std::optional<std::string>> read_without_ours(const Tree& tree, const Ledger& ledger,
                                                     const std::string& path);

// A JSON text without its owned members, and without the objects that this leaves empty.
Result<std::string> without_owned(std::string text, const std::string& source,
                                  const std::vector<OwnedMember>& owned);

// Makes the changes and saves the ledger at `ledger_path`. Failure: the changes made so far were undone.
Result<void> apply(const Tree& tree, Registration& registration, const std::string& ledger_path);

}  // namespace oci_oauth
