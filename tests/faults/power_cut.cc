// SPDX-License-Identifier: Apache-2.0
#include "faults/power_cut.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace oci_oauth::test {

namespace {

using Names = std::map<std::string, ino_t>;

// One call's change of names, which is there as a whole or not at all: what was at each name, and what then.
struct Renaming {
  std::map<std::string, std::pair<ino_t, ino_t>> changes;  // 0: nothing
};

ino_t at(const Names& names, const std::string& name) {
  const auto found = names.find(name);
  return found == names.end() ? 0 : found->second;
}

Renaming difference(const Names& before, const Names& after) {
  Renaming renaming;
  for (const auto* names : {&before, &after}) {
    for (const auto& [name, inode] : *names) {
      if (at(before, name) != at(after, name)) renaming.changes[name] = {at(before, name), at(after, name)};
    }
  }
  return renaming;
}

// The file gets its first name: the call made it.
bool makes(const Renaming& renaming, ino_t inode) {
  return std::ranges::none_of(renaming.changes,
                              [&](const auto& change) { return change.second.first == inode; });
}

bool has(const Names& names, ino_t inode) {
  return std::ranges::any_of(names, [&](const auto& name) { return name.second == inode; });
}

// Result: false where `names` has lost what the call renames.
bool apply(const Renaming& renaming, Names& names) {
  for (const auto& [name, change] : renaming.changes) {
    if (change.second != 0 && !makes(renaming, change.second) && !has(names, change.second)) return false;
  }
  for (const auto& [name, change] : renaming.changes) {
    if (change.second == 0) names.erase(name);
    if (change.second != 0) names[name] = change.second;
  }
  return true;
}

// Each set of names that the syncs allow: every subset of the changes since the last sync, in their order.
std::set<Names> names_after(const std::vector<DiskStep>& steps, size_t last) {
  size_t synced = 0;
  for (size_t i = 0; i <= last; ++i) synced = steps[i].names_synced ? i : synced;
  std::set<Names> possible = {steps[synced].after.names};
  for (size_t i = synced + 1; i <= last; ++i) {
    const Renaming renaming = difference(steps[i - 1].after.names, steps[i].after.names);
    if (renaming.changes.empty()) continue;
    for (Names names : std::set<Names>(possible)) {
      if (apply(renaming, names)) possible.insert(names);
    }
  }
  return possible;
}

// `part` of the bytes of `to`, and elsewhere those of `from`, or zeros where it has none or `blank` says so.
std::string torn(const std::string& from, const std::string& to, bool first_half, bool second_half,
                 bool blank) {
  std::string text = to;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i < text.size() / 2 ? first_half : second_half) continue;
    const bool same = i < from.size() && from[i] == to[i];
    text[i] = same || (!blank && i < from.size()) ? from[i] : '\0';
  }
  return text;
}

// Each content of a file that the syncs allow.
std::set<std::string> contents_after(const std::vector<DiskStep>& steps, size_t last, ino_t inode) {
  // A file without a name is seen no more, and keeps what it had.
  const auto content = [&](size_t i) {
    while (i > 0 && !steps[i].after.contents.contains(inode)) --i;
    const auto found = steps[i].after.contents.find(inode);
    return found == steps[i].after.contents.end() ? std::string() : found->second;
  };
  size_t synced = 0;
  for (size_t i = 0; i <= last; ++i) synced = steps[i].synced == inode ? i : synced;
  const std::string from = content(synced);
  std::set<std::string> possible = {from};
  for (size_t i = synced + 1; i <= last; ++i) {
    const std::string to = content(i);
    if (to == content(i - 1)) continue;
    possible.insert(to);
    possible.insert(torn(from, to, true, false, false));
    possible.insert(torn(from, to, false, true, false));
    possible.insert(torn(from, to, true, false, true));
    possible.insert(torn(from, to, false, false, true));
  }
  return possible;
}

}  // namespace

Snapshot look_at_directory(const std::string& path) {
  Snapshot snapshot;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    struct stat status;
    const std::string name = entry.path().filename();
    if (name.find(".lock") != std::string::npos || ::lstat(entry.path().c_str(), &status) != 0 ||
        !S_ISREG(status.st_mode))
      continue;
    std::ifstream file(entry.path(), std::ios::binary);
    snapshot.names[name] = status.st_ino;
    snapshot.contents[status.st_ino] = {std::istreambuf_iterator<char>(file), {}};
  }
  return snapshot;
}

std::set<DiskState> states_after(const std::vector<DiskStep>& steps, size_t last) {
  std::set<DiskState> states;
  for (const Names& names : names_after(steps, last)) {
    std::set<DiskState> built = {{}};
    for (const auto& [name, inode] : names) {
      std::set<DiskState> grown;
      for (const std::string& content : contents_after(steps, last, inode)) {
        for (DiskState state : built) {
          state[name] = content;
          grown.insert(std::move(state));
        }
      }
      built = std::move(grown);
    }
    states.merge(built);
  }
  return states;
}

}  // namespace oci_oauth::test
