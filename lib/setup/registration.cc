// SPDX-License-Identifier: Apache-2.0
#include "setup/registration.h"

#include <algorithm>

#include "base/json.h"
#include "base/path.h"
#include "setup/toml.h"

namespace oci_oauth {

namespace {

constexpr mode_t file_mode = 0644, ledger_mode = 0600;

using Text = std::optional<std::string>;

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

Result<std::string> with_members(std::string text, const std::string& source, const WantedFile& wanted) {
  for (const JsonSetting& setting : wanted.members) {
    text = TRY(set_json_member(text, source, setting.path, setting.value));
  }
  return text;
}

// The file with what is wanted in it; `base` is the file without our part.
Result<std::string> with_ours(const Text& base, const std::string& source, const WantedFile& wanted) {
  switch (wanted.part) {
    case OwnedPart::whole:
      return wanted.text;
    case OwnedPart::json_members:
      return with_members(json_of(base), source, wanted);
    case OwnedPart::toml_block:
      return add_toml_block(base.value_or(""), source, wanted.text);
  }
  return wanted.text;
}

Result<Text> without_members(const std::string& current, const std::string& source, const LedgerFile& entry) {
  auto text = TRY(revert_json(current, source, json_of(entry.before), entry.after));
  return !entry.before && is_blank(text) ? Text() : Text(std::move(text));
}

// The file without our part. A whole file that somebody has changed since is theirs.
Result<Text> without_ours(const Text& current, const std::string& source, const LedgerFile& entry) {
  if (!current || *current == entry.after || current == entry.before) return current ? entry.before : current;
  switch (entry.part) {
    case OwnedPart::whole:
      return current;
    case OwnedPart::json_members:
      return without_members(*current, source, entry);
    case OwnedPart::toml_block: {
      std::string text = remove_toml_block(*current);
      return !entry.before && is_blank(text) ? Text() : Text(std::move(text));
    }
  }
  return current;
}

bool was_changed_since(const Text& current, const LedgerFile& entry) {
  return entry.part == OwnedPart::whole && current && *current != entry.after && current != entry.before;
}

// Puts what is to stay back at `path`, unless something else is there.
Result<std::string> with_kept(std::string text, const std::string& source, const WantedFile& wanted) {
  for (const JsonSetting& setting : wanted.kept) {
    const auto there = TRY(find_json_member(text, source, setting.path));
    if (there) continue;
    text = TRY(set_json_member(text, source, setting.path, setting.value));
  }
  return text;
}

// The file before our changes, as far as it shows them: for a file that is not in the ledger. nullopt:
// nothing in it is ours.
Result<std::optional<Text>> found_before(const Text& current, const std::string& source,
                                         const WantedFile& wanted) {
  using Found = std::optional<Text>;
  if (!current) return Found();
  switch (wanted.part) {
    case OwnedPart::whole:
      return *current == wanted.text ? Found(Text()) : Found();
    case OwnedPart::json_members: {
      auto text = TRY(without_owned(*current, source, wanted.owned));
      if (text == *current) return Found();
      const auto root = parse_json(text, source, JsonRules::comments);
      return Found(root && root->ObjectEmpty() ? Text() : Text(std::move(text)));
    }
    case OwnedPart::toml_block: {
      std::string text = remove_toml_block(*current);
      return text == *current ? Found() : Found(Text(std::move(text)));
    }
  }
  return Found();
}

// The entry that the ledger would have; nullopt if nothing in the file is ours.
Result<std::optional<LedgerFile>> lost_entry(const Text& current, const std::string& source,
                                             const WantedFile& wanted) {
  auto before = TRY(found_before(current, source, wanted));
  if (!before) return std::optional<LedgerFile>();
  return std::optional<LedgerFile>(LedgerFile{.path = wanted.path,
                                              .engines = {},
                                              .part = wanted.part,
                                              .before = std::move(*before),
                                              .after = *current});
}

void add_change(Registration& registration, const std::string& path, Text before, Text after) {
  if (before != after) registration.changes.push_back({path, std::move(before), std::move(after)});
}

void note_directories(const Tree& tree, Ledger& ledger, const std::string& file) {
  for (std::string& directory : tree.missing_directories(parent_directory(file))) {
    const bool known = std::find(ledger.directories.begin(), ledger.directories.end(), directory) !=
                       ledger.directories.end();
    if (!known) ledger.directories.push_back(std::move(directory));
  }
}

// The file without our part, according to the ledger, or else to what is found in it.
Result<Text> base_of(const Text& current, const std::string& source, const LedgerFile* entry,
                     const WantedFile& wanted) {
  if (entry == nullptr) {
    auto before = TRY(found_before(current, source, wanted));
    if (!before) return current;
    return std::move(*before);
  }
  auto text = without_ours(current, source, *entry);
  if (!text || !*text || wanted.owned.empty()) return text;
  auto less = TRY(without_owned(std::move(**text), source, wanted.owned));
  return Text(std::move(less));
}

Result<void> want(const Tree& tree, Registration& registration, const std::string& engine,
                  const WantedFile& wanted) {
  const std::string shown = tree.shown(wanted.path);
  auto current = TRY(tree.read(wanted.path));
  LedgerFile* entry = registration.ledger.find(wanted.path);
  if (entry != nullptr && wanted.part == OwnedPart::whole && was_changed_since(current, *entry)) {
    registration.notes.push_back(
        fmt::format("{}: has been changed since it was written, and is kept", shown));
    entry->engines.insert(engine);
    return {};
  }
  auto base = TRY(base_of(current, shown, entry, wanted));
  auto after = TRY(with_ours(base, shown, wanted));
  note_directories(tree, registration.ledger, wanted.path);
  if (entry == nullptr) entry = &registration.ledger.files.emplace_back();
  entry->path = wanted.path;
  entry->engines.insert(engine);
  entry->part = wanted.part;
  entry->before = std::move(base);
  entry->after = after;
  add_change(registration, wanted.path, std::move(current), std::move(after));
  return {};
}

constexpr const char* goes_whole = "{}: oci-oauth's own entries are removed, with what was changed in them";

const WantedFile* find_wanted(const std::vector<WantedFile>& wanted, const std::string& path) {
  const auto found =
      std::find_if(wanted.begin(), wanted.end(), [&](const WantedFile& file) { return file.path == path; });
  return found == wanted.end() ? nullptr : &*found;
}

// What a person's edits leave of our members in a JSON file is removed as well, and reported.
Result<Text> cleaned(const Text& text, const std::string& source, const WantedFile& wanted,
                     std::vector<std::string>& notes) {
  if (!text) return text;
  auto less = TRY(without_owned(*text, source, wanted.owned));
  if (less != *text) notes.push_back(fmt::format(goes_whole, source));
  return Text(std::move(less));
}

// Removes our part from the file, whichever engine needed it; `wanted`, if any, says what stays for now.
// Result: the ledger's entry for that.
Result<std::optional<LedgerFile>> give_back(const Tree& tree, Registration& registration,
                                            const LedgerFile& entry, const WantedFile* wanted) {
  using Kept = std::optional<LedgerFile>;
  const std::string shown = tree.shown(entry.path);
  auto current = TRY(tree.read(entry.path));
  if (was_changed_since(current, entry)) {
    registration.notes.push_back(
        fmt::format("{}: has been changed since it was written, and is kept", shown));
    return Kept();
  }
  auto before = without_ours(current, shown, entry);
  if (!before) return std::move(before).error();
  const bool is_edited_block = entry.part == OwnedPart::toml_block && current && *before != current &&
                               find_toml_block(*current) != find_toml_block(entry.after);
  if (is_edited_block) registration.notes.push_back(fmt::format(goes_whole, shown));
  if (wanted != nullptr && wanted->part == OwnedPart::json_members && current)
    before = cleaned(*before, shown, *wanted, registration.notes);
  if (!before) return std::move(before).error();
  if (wanted == nullptr || wanted->kept.empty() || !current) {
    add_change(registration, entry.path, std::move(current), std::move(*before));
    return Kept();
  }
  auto after = TRY(with_kept(json_of(*before), shown, *wanted));
  if (after == json_of(*before)) {
    add_change(registration, entry.path, std::move(current), std::move(*before));
    return Kept();
  }
  LedgerFile kept = {entry.path, {}, entry.part, std::move(*before), after};
  add_change(registration, entry.path, std::move(current), std::move(after));
  return Kept(std::move(kept));
}

// Entries for files that are not in the ledger but contain something of ours.
Result<void> add_lost_entries(const Tree& tree, Ledger& ledger, const std::string& engine,
                              const std::vector<WantedFile>& wanted) {
  for (const WantedFile& file : wanted) {
    if (ledger.find(file.path) != nullptr) continue;
    auto current = TRY(tree.read(file.path));
    auto entry = TRY(lost_entry(current, tree.shown(file.path), file));
    if (!entry) continue;
    entry->engines.insert(engine);
    ledger.files.push_back(std::move(*entry));
  }
  return {};
}

Result<void> make(const Tree& tree, const Change& change) {
  if (!change.after) return tree.remove(change.path);
  TRY(tree.make_directories(parent_directory(change.path)));
  return tree.write(change.path, *change.after, file_mode);
}

// Removes those of our directories that are empty.
void remove_directories(const Tree& tree, Ledger& ledger) {
  for (auto directory = ledger.directories.rbegin(); directory != ledger.directories.rend(); ++directory) {
    (void)tree.remove_directory(*directory);
  }
  std::erase_if(ledger.directories, [&](const std::string& directory) { return !tree.exists(directory); });
}

void take_back(const Tree& tree, const std::vector<Change>& changes, size_t made) {
  for (size_t i = made; i-- > 0;) (void)make(tree, {changes[i].path, changes[i].after, changes[i].before});
}

Result<void> keep_ledger(const Tree& tree, const Ledger& ledger, const std::string& path) {
  if (!ledger.empty()) {
    TRY(tree.make_directories(parent_directory(path)));
    return tree.write(path, write_record(ledger, JsonStyle::indented).reveal(), ledger_mode);
  }
  return tree.exists(path) ? tree.remove(path) : Result<void>();
}

}  // namespace

Result<Registration> plan_install(const Tree& tree, Ledger ledger, const std::string& engine,
                                  const std::vector<WantedFile>& wanted,
                                  const std::vector<std::string>& unwanted) {
  Registration registration = {{}, {}, std::move(ledger)};
  for (const std::string& path : unwanted) {
    const LedgerFile* entry = registration.ledger.find(path);
    if (entry == nullptr) continue;
    TRY(give_back(tree, registration, LedgerFile(*entry), nullptr));
    std::erase_if(registration.ledger.files, [&](const LedgerFile& file) { return file.path == path; });
  }
  for (const WantedFile& file : wanted) TRY(want(tree, registration, engine, file));
  return registration;
}

Result<Registration> plan_uninstall(const Tree& tree, Ledger ledger, const std::string& engine,
                                    const std::vector<WantedFile>& wanted) {
  Registration registration = {{}, {}, std::move(ledger)};
  TRY(add_lost_entries(tree, registration.ledger, engine, wanted));
  std::vector<LedgerFile> kept;
  for (LedgerFile& entry : registration.ledger.files) {
    const bool ours = entry.engines.erase(engine) > 0;
    if (!ours || !entry.engines.empty()) {
      kept.push_back(std::move(entry));
      continue;
    }
    auto left = TRY(give_back(tree, registration, entry, find_wanted(wanted, entry.path)));
    if (!left) continue;
    left->engines.insert(engine);
    kept.push_back(std::move(*left));
  }
  registration.ledger.files = std::move(kept);
  return registration;
}

Result<Ledger> load_ledger(const Tree& tree, const std::string& path) {
  auto text = TRY(tree.read(path));
  if (!text) return Ledger();
  auto ledger = read_record<Ledger>(*text, tree.shown(path));
  if (ledger) return ledger;
  return std::move(ledger).error().with_hint(
      fmt::format("rm {} (our entries are recognised without it)", tree.shown(path)));
}

std::string json_of(const std::optional<std::string>& file) {
  return file && !is_blank(*file) ? *file : "{}\n";
}

Result<std::optional<std::string>> read_without_ours(const Tree& tree, const Ledger& ledger,
                                                     const std::string& path) {
  auto current = tree.read(path);
  const LedgerFile* entry = ledger.find(path);
  if (!current || entry == nullptr) return current;
  return without_ours(*current, tree.shown(path), *entry);
}

Result<std::string> without_owned(std::string text, const std::string& source,
                                  const std::vector<OwnedMember>& owned) {
  if (is_blank(text)) return text;
  for (const OwnedMember& member : owned) {
    JsonPath path = member.path;
    const auto there = TRY(find_json_member(text, source, path));
    if (!there || (!member.value.empty() && *there != member.value)) continue;
    for (bool is_empty = true; is_empty && !path.empty(); path.pop_back()) {
      text = TRY(remove_json_member(text, source, path));
      if (path.size() == 1) break;
      const auto parent = TRY(find_json_member(text, source, JsonPath(path.begin(), path.end() - 1)));
      is_empty = parent == "{}";
    }
  }
  return text;
}

Result<void> apply(const Tree& tree, Registration& registration, const std::string& ledger_path) {
  auto old = TRY(load_ledger(tree, ledger_path));
  Ledger& ledger = registration.ledger;
  note_directories(tree, ledger, ledger_path);
  // Until everything is done, the ledger contains both the previous and the new state.
  Ledger meanwhile = ledger;
  for (const LedgerFile& file : old.files) {
    if (meanwhile.find(file.path) == nullptr) meanwhile.files.push_back(file);
  }
  Result<void> done = keep_ledger(tree, meanwhile, ledger_path);
  size_t made = 0;
  while (done && made < registration.changes.size()) {
    done = make(tree, registration.changes[made]);
    if (done) ++made;
  }
  if (!done) {
    take_back(tree, registration.changes, made);
    (void)keep_ledger(tree, old, ledger_path);
    remove_directories(tree, ledger);
    return done;
  }
  remove_directories(tree, ledger);
  if (done = keep_ledger(tree, ledger, ledger_path); done) remove_directories(tree, ledger);
  return done;
}

}  // namespace oci_oauth
