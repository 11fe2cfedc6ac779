// SPDX-License-Identifier: Apache-2.0
#include "setup/change_report.h"

#include "base/command_output.h"
#include "base/fmt.h"
#include "base/memory_file.h"

namespace oci_oauth {

namespace {

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

Error nothing_changed(Error error) {
  const bool knows_better = !error.hint.empty() || error.kind == ErrorKind::configuration;
  return knows_better ? error : std::move(error).with_hint("nothing was changed; fix this and run it again");
}

Result<std::string> diff_of(const Tree& tree, const std::vector<Change>& changes) {
  std::string text;
  for (const Change& change : changes) {
    auto diff = diff_of(tree, change);
    if (!diff) return diff;
    text += *diff;
  }
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

std::string list_units(std::string_view verb, const std::vector<std::string>& units) {
  std::string text;
  for (const std::string& unit : units) text += fmt::format("{} {}\n", verb, unit);
  return text;
}

}  // namespace oci_oauth
