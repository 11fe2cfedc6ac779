// SPDX-License-Identifier: Apache-2.0
// What was added to a tree, and what was there before, from which uninstall restores every byte.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/record.h"

namespace oci_oauth {

// How much of a file is ours.
enum class OwnedPart { whole, json_members, toml_block };
constexpr std::array<std::string_view, 3> words_of(OwnedPart) {
  return {"whole", "json members", "toml block"};
}

struct LedgerFile {
  std::string path;
  std::set<std::string> engines;  // the engines that need it
  OwnedPart part = OwnedPart::whole;
  std::optional<std::string> before;  // nullopt: there was no such file
  std::string after;

  friend bool operator==(const LedgerFile&, const LedgerFile&) = default;
};

void describe(auto& each, RecordOf<LedgerFile> auto& file) {
  each("path", file.path, Presence::required);
  each("engines", file.engines);
  each("share", file.part, Presence::required);
  each("before", file.before);
  each("after", file.after, Presence::required);
}

struct Ledger {
  static constexpr int version = 1;
  // This version can uninstall what a later one wrote.
  static constexpr bool accepts(std::int64_t) { return true; }

  std::vector<LedgerFile> files;
  std::map<std::string, std::set<std::string>> units;  // not enabled before, and the engines that need them
  std::vector<std::string> directories;                // created ones, outermost first

  // nullptr: the file is not in it.
  LedgerFile* find(std::string_view path) {
    const auto found = std::ranges::find(files, path, &LedgerFile::path);
    return found == files.end() ? nullptr : &*found;
  }
  // An interrupted change leaves two entries for a file: that with this text in it or, if there is none, the
  // first.
  const LedgerFile* find(std::string_view path, const std::optional<std::string>& text = {}) const {
    const auto found = std::ranges::find_if(files, [&](const LedgerFile& file) {
      return file.path == path && (file.after == text || file.before == text);
    });
    return found == files.end() ? const_cast<Ledger*>(this)->find(path) : &*found;
  }
  bool empty() const { return files.empty() && units.empty(); }

  friend bool operator==(const Ledger&, const Ledger&) = default;
};

void describe(auto& each, RecordOf<Ledger> auto& ledger) {
  each("files", ledger.files);
  each("units", ledger.units);
  each("directories", ledger.directories);
}

}  // namespace oci_oauth
