// SPDX-License-Identifier: Apache-2.0
#include "setup/change.h"

#include <algorithm>

#include "base/file.h"
#include "base/fmt.h"
#include "base/json_edit.h"
#include "base/path.h"
#include "base/spawn.h"
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
Result<std::string> text_without_ours(Change& change, const LedgerFile* entry, RemoveOurs remove_ours) {
  const std::string& text = *change.before;
  if (consists_of(blanks, text)) return text;
  if (change.part == OwnedPart::toml_block) {
    const std::string_view block = find_toml_block(text);
    change.is_edited = entry != nullptr && !block.empty() && block != find_toml_block(entry->after);
    return remove_toml_block(text);
  }
  std::string reverted = text;
  if (entry != nullptr && entry->part == OwnedPart::json_members)
    reverted = TRY(revert_json(text, change.shown, json_of(entry->before), entry->after));
  if (remove_ours == nullptr) return reverted;
  auto rest = TRY(remove_ours(reverted, change.shown));
  change.is_edited = entry != nullptr && rest != reverted;
  return rest;
}

Result<void> put(const Tree& tree, const std::string& path, const std::optional<std::string>& text,
                 mode_t mode = file_mode) {
  if (!text) return tree.exists(path) ? tree.remove(path) : Result<void>();
  TRY(tree.make_directories(parent_directory(path)));
  return tree.write(path, *text, mode);
}

Result<void> save_ledger(const Host& host, const Ledger& ledger) {
  std::optional<std::string> text;
  if (!ledger.empty()) text = write_record(ledger, JsonStyle::indented).reveal();
  return put(host.tree, host.ledger_path, text, ledger_mode);
}

// Removes those of our directories that are empty.
void remove_directories(const Tree& tree, std::vector<std::string>& directories) {
  for (size_t at = directories.size(); at-- > 0;) (void)tree.remove_directory(directories[at]);
  std::erase_if(directories, [&](const std::string& directory) { return !tree.exists(directory); });
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

Result<std::string> diff_of(const Change& change) {
  constexpr auto bound = std::chrono::seconds(30);
  const auto before = TRY(MemoryFile::holding(change.before.value_or("")));
  const auto after = TRY(MemoryFile::holding(change.after.value_or("")));
  const auto label = [&](const auto& text) { return text ? change.shown : "/dev/null"; };
  auto run = run_command({"diff", "--unified", "--label", label(change.before), "--label",
                          label(change.after), "--", before.path(), after.path()},
                         bound, {before.fd(), after.fd()});
  if (!run && run.error().kind == ErrorKind::not_found) run.error().hint = "apt-get install diffutils";
  if (!run) return std::move(run).error().in("the changes cannot be shown");
  if (run->status > 1) return Error{ErrorKind::failed, fmt::format("diff: {}", run->err)};
  return std::move(run->out);
}

}  // namespace

Result<Change> plan_without_ours(const Host& host, const std::string& path, OwnedPart part,
                                 RemoveOurs remove_ours) {
  Change change = {path, host.tree.shown(path), part, TRY(host.tree.read(path))};
  const LedgerFile* entry = host.ledger.find(path, change.before);
  change.without = change.before;
  if (entry != nullptr && (change.before == entry->after || change.before == entry->before)) {
    change.without = entry->before;
  } else if (change.before && part == OwnedPart::whole) {
    change.is_edited = entry != nullptr;
  } else if (change.before) {
    change.without = TRY(text_without_ours(change, entry, remove_ours));
    const bool was_there = entry != nullptr && entry->before;
    if (change.without != change.before && !was_there && consists_of(blanks_and_braces, *change.without))
      change.without.reset();
  }
  change.after = change.without;
  return change;
}

Result<Change> plan_whole_file(const Host& host, const std::string& path, std::string text) {
  auto change = TRY(plan_without_ours(host, path, OwnedPart::whole));
  if (host.ledger.find(path) == nullptr && change.before == text)
    change.without.reset();  // its entry was lost
  if (!change.is_edited) change.after = std::move(text);
  return change;
}

Result<void> set_member(Change& change, const JsonPath& path, const JsonValue& value) {
  change.after = TRY(set_json_value(json_of(change.after), change.shown, path, value)).reveal();
  return {};
}

std::string json_of(const std::optional<std::string>& file) {
  return file && !consists_of(blanks, *file) ? *file : "{}\n";
}

void record(Ledger& ledger, const std::string& engine, const Change& change) {
  std::vector<LedgerFile>& files = ledger.files;
  auto entry = std::ranges::find(files, change.path, &LedgerFile::path);
  if (entry == files.end()) entry = files.insert(entry, LedgerFile());
  *entry = {change.path, std::move(entry->engines), change.part, change.without, change.after.value_or("")};
  entry->engines.insert(engine);
  if (change.after != change.without) ++entry;  // it stays, and what follows it is of an interrupted change
  const auto same_file = [&](const LedgerFile& file) { return file.path == change.path; };
  files.erase(std::remove_if(entry, files.end(), same_file), files.end());
}

Result<Ledger> load_ledger(const Host& host) {
  const std::string shown = host.tree.shown(host.ledger_path);
  const auto text = TRY(host.tree.read(host.ledger_path));
  if (!text) return Ledger();
  auto ledger = read_record<Ledger>(*text, shown);
  return ledger ? std::move(ledger) : std::move(ledger).error().with_hint("rm " + shell_word(shown));
}

Result<void> apply(const Host& host, const std::vector<Change>& changes, Ledger ledger) {
  const Tree& tree = host.tree;
  const auto old = TRY(load_ledger(host));
  std::vector<std::string> files = {host.ledger_path};
  for (const Change& change : changes) {
    if (change.after) files.push_back(change.path);
  }
  for (const std::string& file : files) {
    for (std::string& directory : tree.missing_directories(parent_directory(file))) {
      if (std::ranges::find(ledger.directories, directory) == ledger.directories.end())
        ledger.directories.push_back(std::move(directory));
    }
  }
  size_t made = 0;
  auto done = save_ledger(host, with_old_states(ledger, old));
  while (done && made < changes.size()) {
    done = put(tree, changes[made].path, changes[made].after);
    if (done) ++made;
  }
  if (done) {
    remove_directories(tree, ledger.directories);
    done = save_ledger(host, ledger);
  }
  if (!done) {
    for (; made > 0; --made) (void)put(tree, changes[made - 1].path, changes[made - 1].before);
    (void)save_ledger(host, old);
  }
  remove_directories(tree, ledger.directories);
  return done;
}

Result<std::string> diff_of(const std::vector<Change>& changes) {
  std::string text;
  for (const Change& change : changes) text += TRY(diff_of(change));
  return text;
}

std::string list_changes(const std::vector<Change>& changes) {
  std::string text;
  for (const Change& change : changes) {
    const char* verb = !change.before ? "wrote" : !change.after ? "removed" : "changed";
    text += fmt::format("{} {}\n", verb, change.shown);
  }
  return text;
}

}  // namespace oci_oauth
