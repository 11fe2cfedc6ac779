// SPDX-License-Identifier: Apache-2.0
#include "setup/change.h"

#include <algorithm>
#include <span>

#include "base/command_output.h"
#include "base/fmt.h"
#include "base/json_edit.h"
#include "base/memory_file.h"
#include "base/path.h"
#include "base/text.h"
#include "setup/toml.h"

namespace oci_oauth {

namespace {

constexpr mode_t file_mode = 0644, ledger_mode = 0600;
constexpr std::string_view blanks = " \t\r\n", blanks_and_braces = " \t\r\n{}";

bool consists_of(std::string_view characters, std::string_view text) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}

// A file that differs from what the ledger says of it, or is not in it (nullptr), without our part.
Result<std::string> text_without_ours(Change& change, const std::string& source, const LedgerFile* entry,
                                      RemoveOurs remove_ours) {
  const std::string& text = *change.before;
  if (consists_of(blanks, text)) return text;
  if (change.part == OwnedPart::toml_block) {
    const std::string_view block = find_toml_block(text);
    change.is_edited = entry != nullptr && !block.empty() && block != find_toml_block(entry->after);
    return remove_toml_block(text);
  }
  std::string reverted = text;
  if (entry != nullptr && entry->part == OwnedPart::json_members)
    reverted = TRY(revert_json(text, source, json_of(entry->before), entry->after));
  if (remove_ours == nullptr) return reverted;
  auto rest = TRY(remove_ours(reverted, source));
  change.is_edited = entry != nullptr && rest != reverted;
  return rest;
}

Result<void> put(const Tree& tree, const std::string& path, const std::optional<std::string>& text,
                 mode_t mode) {
  if (!text) return tree.exists(path) ? tree.remove(path) : Result<void>();
  TRY(tree.make_directories(parent_directory(path)));
  return tree.write(path, *text, mode);
}

Result<void> save_ledger(const Tree& tree, const Ledger& ledger, const std::string& path) {
  std::optional<std::string> text;
  if (!ledger.empty()) text = write_record(ledger, JsonStyle::indented).reveal();
  return put(tree, path, text, ledger_mode);
}

void note_directories(const Tree& tree, Ledger& ledger, const std::string& file) {
  for (std::string& directory : tree.missing_directories(parent_directory(file))) {
    if (std::ranges::find(ledger.directories, directory) == ledger.directories.end())
      ledger.directories.push_back(std::move(directory));
  }
}

// Removes those of our directories that are empty.
void remove_directories(const Tree& tree, Ledger& ledger) {
  for (auto directory = ledger.directories.rbegin(); directory != ledger.directories.rend(); ++directory)
    (void)tree.remove_directory(*directory);
  std::erase_if(ledger.directories, [&](const std::string& directory) { return !tree.exists(directory); });
}

void undo(const Tree& tree, std::span<const Change> made) {
  for (auto change = made.rbegin(); change != made.rend(); ++change)
    (void)put(tree, change->path, change->before, file_mode);
}

// Failure: those made so far were undone.
Result<void> make_all(const Tree& tree, std::span<const Change> changes) {
  for (size_t at = 0; at < changes.size(); ++at) {
    auto done = put(tree, changes[at].path, changes[at].after, file_mode);
    if (done) continue;
    undo(tree, changes.first(at));
    return done;
  }
  return {};
}

// Makes the changes, and the record final. Failure: the changes were undone.
Result<void> make_and_record(const Tree& tree, const std::vector<Change>& changes, Ledger& ledger,
                             const std::string& ledger_path) {
  TRY(make_all(tree, changes));
  remove_directories(tree, ledger);
  auto saved = save_ledger(tree, ledger, ledger_path);
  if (!saved) undo(tree, changes);
  return saved;
}

// The record of both states, of which an interruption leaves either in each file.
Ledger with_old_states(Ledger ledger, const Ledger& old) {
  for (const LedgerFile& file : old.files) {
    const bool is_there = std::ranges::any_of(ledger.files, [&](const LedgerFile& other) {
      return other.path == file.path && other.before == file.before && other.after == file.after;
    });
    if (!is_there) ledger.files.push_back(file);
  }
  return ledger;
}

Result<std::string> diff_of(const Tree& tree, const Change& change) {
  constexpr auto bound = std::chrono::seconds(30);
  const auto before = TRY(MemoryFile::holding(change.before.value_or("")));
  const auto after = TRY(MemoryFile::holding(change.after.value_or("")));
  const std::string shown = tree.shown(change.path);
  const auto label = [&](const std::optional<std::string>& text) { return text ? shown : "/dev/null"; };
  const auto diff = TRY(run_command({"diff", "--unified", "--label", label(change.before), "--label",
                                     label(change.after), "--", before.path(), after.path()},
                                    bound, {before.fd(), after.fd()}));
  if (diff.status > 1) return Error{ErrorKind::failed, fmt::format("diff: {}", diff.err)};
  return diff.out;
}

}  // namespace

Result<Change> plan_without_ours(const Tree& tree, const Ledger& ledger, const std::string& path,
                                 OwnedPart part, RemoveOurs remove_ours) {
  Change change = {.path = path, .part = part, .before = TRY(tree.read(path))};
  const LedgerFile* entry = ledger.find(path, change.before);
  change.without = change.before;
  if (entry != nullptr && (change.before == entry->after || change.before == entry->before)) {
    change.without = entry->before;
  } else if (change.before && part == OwnedPart::whole) {
    change.is_edited = entry != nullptr;
  } else if (change.before) {
    change.without = TRY(text_without_ours(change, tree.shown(path), entry, remove_ours));
    const bool was_there = entry != nullptr && entry->before;
    if (change.without != change.before && !was_there && consists_of(blanks_and_braces, *change.without))
      change.without.reset();
  }
  change.after = change.without;
  return change;
}

Result<Change> plan_whole_file(const Tree& tree, const Ledger& ledger, const std::string& path,
                               std::string text) {
  auto change = TRY(plan_without_ours(tree, ledger, path, OwnedPart::whole));
  if (ledger.find(path) == nullptr && change.before == text) change.without.reset();  // its entry was lost
  if (!change.is_edited) change.after = std::move(text);
  return change;
}

Result<void> set_member(Change& change, const Tree& tree, const JsonPath& path, const JsonValue& value) {
  change.after = TRY(set_json_value(json_of(change.after), tree.shown(change.path), path, value)).reveal();
  return {};
}

std::string json_of(const std::optional<std::string>& file) {
  return file && !consists_of(blanks, *file) ? *file : "{}\n";
}

void record(Ledger& ledger, const std::string& engine, const Change& change) {
  LedgerFile* entry = ledger.find(change.path);
  const bool is_kept = change.after != change.without;
  std::erase_if(ledger.files, [&](const LedgerFile& file) {
    return file.path == change.path && (!is_kept || &file != entry);
  });
  if (!is_kept) return;
  if (entry == nullptr) entry = &ledger.files.emplace_back();
  entry->path = change.path;
  entry->engines.insert(engine);
  entry->part = change.part;
  entry->before = change.without;
  entry->after = change.after.value_or("");
}

Result<Ledger> load_ledger(const Tree& tree, const std::string& path) {
  auto text = TRY(tree.read(path));
  if (!text) return Ledger();
  auto ledger = read_record<Ledger>(*text, tree.shown(path));
  if (ledger) return ledger;
  return std::move(ledger).error().with_hint("rm " + shell_word(tree.shown(path)));
}

Result<void> apply(const Tree& tree, const std::vector<Change>& changes, Ledger ledger,
                   const std::string& ledger_path) {
  const auto old = TRY(load_ledger(tree, ledger_path));
  note_directories(tree, ledger, ledger_path);
  for (const Change& change : changes) {
    if (change.after) note_directories(tree, ledger, change.path);
  }
  auto done = save_ledger(tree, with_old_states(ledger, old), ledger_path);
  if (done) done = make_and_record(tree, changes, ledger, ledger_path);
  if (!done) (void)save_ledger(tree, old, ledger_path);
  remove_directories(tree, ledger);
  return done;
}

Result<std::string> diff_of(const Tree& tree, const std::vector<Change>& changes) {
  std::string text;
  for (const Change& change : changes) text += TRY(diff_of(tree, change));
  return text;
}

std::string list_changes(const Tree& tree, const std::vector<Change>& changes) {
  std::string text;
  for (const Change& change : changes) {
    const char* verb = !change.before ? "wrote" : !change.after ? "removed" : "changed";
    text += fmt::format("{} {}\n", verb, tree.shown(change.path));
  }
  return text;
}

}  // namespace oci_oauth
