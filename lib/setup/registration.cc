// SPDX-License-Identifier: Apache-2.0
#include "setup/registration.h"

#include <algorithm>

#include "base/fmt.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "setup/toml.h"

namespace oci_oauth {

namespace {

constexpr mode_t file_mode = 0644, ledger_mode = 0600;

using FileText = std::optional<std::string>;

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

Result<std::string> with_settings(std::string text, const std::string& source,
                                  const std::vector<JsonSetting>& settings) {
  for (const JsonSetting& setting : settings)
    text = TRY(set_json_member(text, source, setting.path, setting.value));
  return text;
}

// The file with what is wanted in it; `base` is the file without our part.
Result<std::string> with_ours(const FileText& base, const std::string& source, const WantedFile& wanted) {
  switch (wanted.part) {
    case OwnedPart::whole:
      return wanted.text;
    case OwnedPart::json_members:
      return with_settings(json_of(base), source, wanted.members);
    case OwnedPart::toml_block:
      return add_toml_block(base.value_or(""), source, wanted.text);
  }
  return wanted.text;
}

Result<FileText> without_members(const std::string& current, const std::string& source,
                                 const LedgerFile& entry) {
  auto text = TRY(revert_json(current, source, json_of(entry.before), entry.after));
  return !entry.before && is_blank(text) ? FileText() : FileText(std::move(text));
}

// The file without our part. A whole file that somebody has changed since is theirs.
Result<FileText> without_ours(const FileText& current, const std::string& source, const LedgerFile& entry) {
  if (!current || *current == entry.after || current == entry.before) return current ? entry.before : current;
  switch (entry.part) {
    case OwnedPart::whole:
      return current;
    case OwnedPart::json_members:
      return without_members(*current, source, entry);
    case OwnedPart::toml_block: {
      std::string text = remove_toml_block(*current);
      return !entry.before && is_blank(text) ? FileText() : FileText(std::move(text));
    }
  }
  return current;
}

bool was_changed_since(const FileText& current, const LedgerFile& entry) {
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

// The ledger's entry for the file or, if it was lost, the one that it would have by what is in the file.
// nullptr: nothing in it is ours.
Result<LedgerFile*> find_entry(Ledger& ledger, const FileText& current, const std::string& source,
                               const WantedFile& wanted) {
  if (LedgerFile* entry = ledger.find(wanted.path); entry != nullptr || !current) return entry;
  LedgerFile found = {wanted.path, {}, wanted.part, std::nullopt, *current};
  if (wanted.part == OwnedPart::whole) {
    if (*current != wanted.text) return nullptr;
  } else {
    found.before = wanted.part == OwnedPart::toml_block ? remove_toml_block(*current)
                                                        : TRY(without_owned(*current, source, wanted.owned));
    if (found.before == *current) return nullptr;
    const auto root = parse_json(*found.before, source, JsonRules::comments);
    if (wanted.part == OwnedPart::json_members && root && root->ObjectEmpty()) found.before.reset();
  }
  return &ledger.files.emplace_back(std::move(found));
}

void add_change(Registration& registration, const std::string& path, FileText before, FileText after) {
  if (before != after) registration.changes.push_back({path, std::move(before), std::move(after)});
}

void note_directories(const Tree& tree, Ledger& ledger, const std::string& file) {
  for (std::string& directory : tree.missing_directories(parent_directory(file))) {
    const bool known = std::find(ledger.directories.begin(), ledger.directories.end(), directory) !=
                       ledger.directories.end();
    if (!known) ledger.directories.push_back(std::move(directory));
  }
}

// The file without our part, also if a person has changed it.
Result<FileText> base_of(const FileText& current, const std::string& source, const LedgerFile* entry,
                         const WantedFile& wanted) {
  if (entry == nullptr) return current;
  auto text = without_ours(current, source, *entry);
  if (!text || !*text || wanted.owned.empty()) return text;
  return FileText(TRY(without_owned(std::move(**text), source, wanted.owned)));
}

Result<void> want(const Tree& tree, Registration& registration, const std::string& engine,
                  const WantedFile& wanted) {
  const std::string shown = tree.shown(wanted.path);
  auto current = TRY(tree.read(wanted.path));
  LedgerFile* entry = TRY(find_entry(registration.ledger, current, shown, wanted));
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
Result<FileText> cleaned(const FileText& text, const std::string& source, const WantedFile& wanted,
                         std::vector<std::string>& notes) {
  if (!text) return text;
  auto less = TRY(without_owned(*text, source, wanted.owned));
  if (less != *text) notes.push_back(fmt::format(goes_whole, source));
  return FileText(std::move(less));
}

// Removes our part from the file, whichever engine needed it; `wanted`, if any, says what stays for now.
// Result: the ledger's entry for that.
Result<std::optional<LedgerFile>> give_back(const Tree& tree, Registration& registration,
                                            const LedgerFile& entry, const WantedFile* wanted) {
  const std::string shown = tree.shown(entry.path);
  auto current = TRY(tree.read(entry.path));
  if (was_changed_since(current, entry)) {
    registration.notes.push_back(
        fmt::format("{}: has been changed since it was written, and is kept", shown));
    return std::optional<LedgerFile>();
  }
  auto before = without_ours(current, shown, entry);
  if (!before) return std::move(before).error();
  const bool is_edited_block = entry.part == OwnedPart::toml_block && current && *before != current &&
                               find_toml_block(*current) != find_toml_block(entry.after);
  if (is_edited_block) registration.notes.push_back(fmt::format(goes_whole, shown));
  if (wanted != nullptr && wanted->part == OwnedPart::json_members && current)
    before = cleaned(*before, shown, *wanted, registration.notes);
  if (!before) return std::move(before).error();
  std::optional<LedgerFile> kept;
  if (wanted != nullptr && !wanted->kept.empty() && current) {
    std::string text = TRY(with_kept(json_of(*before), shown, *wanted));
    if (text != json_of(*before))
      kept = LedgerFile{entry.path, {}, entry.part, std::exchange(*before, text), text};
  }
  add_change(registration, entry.path, std::move(current), std::move(*before));
  return kept;
}

// Entries for files that are not in the ledger but contain something of ours.
Result<void> add_lost_entries(const Tree& tree, Ledger& ledger, const std::string& engine,
                              const std::vector<WantedFile>& wanted) {
  for (const WantedFile& file : wanted) {
    if (ledger.find(file.path) != nullptr) continue;
    const auto current = TRY(tree.read(file.path));
    LedgerFile* entry = TRY(find_entry(ledger, current, tree.shown(file.path), file));
    if (entry != nullptr) entry->engines.insert(engine);
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
  return std::move(ledger).error().with_hint("rm " + shell_word(tree.shown(path)));
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
  const auto remove_owned = [&](JsonValue& document) {
    for (const auto& [member, value] : owned) {
      const JsonValue* there = json_at(document, member);
      if (there == nullptr || (!value.empty() && write_json(*there).reveal() != value)) continue;
      for (JsonPath path = member; there != nullptr; there = json_at(document, path)) {
        remove_json_at(document, path);
        path.pop_back();
        if (path.empty() || !json_at(document, path)->ObjectEmpty()) break;
      }
    }
  };
  return std::string(TRY(edit_json(text, source, remove_owned)).reveal());
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
