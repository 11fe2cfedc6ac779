// SPDX-License-Identifier: Apache-2.0
// What was added to a tree, and what was there before, from which uninstall restores every byte.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace oci_oauth {

// How much of a file is ours.
enum class Share { whole, json_members, toml_block };

struct LedgerFile {
  std::string path;
  std::set<std::string> engines;  // the engines that need it
  Share share = Share::whole;
  std::optional<std::string> before;  // nullopt: there was no such file
  std::string after;
};

// A systemd unit that was not enabled before.
struct LedgerUnit {
  std::string name;
  std::set<std::string> engines;
};

struct Ledger {
  std::vector<LedgerFile> files;
  std::vector<LedgerUnit> units;
  std::vector<std::string> directories;  // created ones, outermost first

  LedgerFile* find(std::string_view path);
  const LedgerFile* find(std::string_view path) const;
  bool empty() const { return files.empty() && units.empty(); }
};

// Unknown keys are ignored, so that this version can uninstall what a later one wrote. Failure (kind failed):
// "SOURCE: reason" for text that no version wrote.
Result<Ledger> parse_ledger(std::string_view text, const std::string& source);
std::string format_ledger(const Ledger& ledger);

}  // namespace oci_oauth
