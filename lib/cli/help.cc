// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include "base/fmt.h"

namespace oci_oauth {

std::string spelling(const OptionSpec& option) {
  return option.value.shown.empty() ? std::string(option.name)
                                    : fmt::format("{} {}", option.name, option.value.shown);
}

std::string help_text() {
  std::string text = "usage: oci-oauth [OPTION]... VERB [ARGUMENT]...\n\n";
  for (const VerbSpec& verb : command_line().verbs) {
    if (verb.audience == Audience::people) text += fmt::format("  {:<10} {}\n", verb.name, verb.purpose);
  }
  text += '\n';
  for (const OptionSpec& option : command_line().options)
    text += fmt::format("  {:<26} {}\n", spelling(option), option.purpose);
  return text +
         "\nSee 'oci-oauth VERB --help' for one verb, and 'man oci-oauth' for all of them.\n"
         "exit codes: 0 success, 1 failure, 2 usage or configuration, 3 log in again, 4 temporary: try "
         "later\n";
}

std::string help_text(const VerbSpec& verb) {
  constexpr size_t usage_width = 100;
  std::string usage = fmt::format("usage: oci-oauth {}", verb.name);
  const std::string indent(usage.size(), ' ');
  size_t line_begin = 0;
  const auto add = [&](const std::string& word) {
    if (usage.size() - line_begin + word.size() > usage_width) {
      line_begin = usage.size() + 1;
      usage += '\n' + indent;
    }
    usage += ' ' + word;
  };
  std::string list;
  for (const OptionSpec& option : verb.options) {
    if (option.audience == Audience::programs && verb.audience == Audience::people) continue;
    add(fmt::format("[{}]", spelling(option)));
    list += fmt::format("  {:<26} {}\n", spelling(option), option.purpose);
  }
  if (!verb.operands.shown.empty()) add(std::string(verb.operands.shown));
  if (!list.empty()) list += '\n';
  return fmt::format("{}\n\n{}\n\n{}example: {}\n", usage, verb.purpose, list, verb.example);
}

}  // namespace oci_oauth
