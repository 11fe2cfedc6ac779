// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include "base/fmt.h"

namespace oci_oauth {

namespace {

constexpr size_t usage_width = 100;

bool is_for_people(Audience audience) {
  return audience == Audience::people;
}

}  // namespace

std::string spelling(const OptionSpec& option) {
  return option.value.shown.empty() ? std::string(option.name)
                                    : fmt::format("{} {}", option.name, option.value.shown);
}

std::string help_text(const CommandLine& program) {
  std::string text = fmt::format("usage: {} [OPTION]... VERB [ARGUMENT]...\n\n", program.program);
  for (const VerbSpec& verb : program.verbs) {
    if (is_for_people(verb.audience)) text += fmt::format("  {:<10} {}\n", verb.name, verb.purpose);
  }
  text += '\n';
  for (const OptionSpec& option : program.options)
    text += fmt::format("  {:<26} {}\n", spelling(option), option.purpose);
  return text +
         fmt::format("\nSee '{0} VERB --help' for one verb, and 'man {0}' for all of them.\n",
                     program.program) +
         "exit codes: 0 success, 1 failure, 2 usage or configuration, 3 log in again, 4 temporary: try "
         "later\n";
}

std::string help_text(const CommandLine& program, const VerbSpec& verb) {
  std::string usage = fmt::format("usage: {} {}", program.program, verb.name);
  const std::string indent(usage.size(), ' ');
  size_t line_begin = 0;
  const auto add = [&](const std::string& word) {
    if (usage.size() - line_begin + word.size() > usage_width) {
      usage += '\n';
      line_begin = usage.size();
      usage += indent;
    }
    usage += ' ' + word;
  };
  std::string list;
  for (const OptionSpec& option : verb.options) {
    if (!is_for_people(option.audience) && is_for_people(verb.audience)) continue;
    add(fmt::format("[{}]", spelling(option)));
    list += fmt::format("  {:<26} {}\n", spelling(option), option.purpose);
  }
  if (!verb.operands.shown.empty()) add(std::string(verb.operands.shown));
  if (!list.empty()) list += '\n';
  return fmt::format("{}\n\n{}\n\n{}example: {}\n", usage, verb.purpose, list, verb.example);
}

}  // namespace oci_oauth
