// SPDX-License-Identifier: Apache-2.0
// The command line of oci-oauth, described once: its parser, --help, the manual's option lists and the
// shells' completions all come from this description.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace oci_oauth {

// Who types it. What only units and the hook type is in the manual, but neither in --help nor in completions.
enum class Audience { people, programs };

// What a shell offers as an option's value or as an operand.
enum class Completion { nothing, file, directory, profile, words };

struct Words {
  std::string_view shown;  // in the synopsis: "DURATION", "raw|json|header"; empty: takes none
  Completion completion = Completion::nothing;
  std::span<const std::string_view> offered = {};  // the words, or examples of any other value
};

struct OptionSpec {
  std::string_view name;     // with its dashes
  std::string_view purpose;  // one line, for --help and completions
  Words value = {};
  std::string_view manual = {};  // mdoc(7), where the manual says more than `purpose`
  Audience audience = Audience::people;
};

struct VerbSpec {
  std::string_view name;
  std::string_view purpose;
  Words operands;
  std::span<const OptionSpec> options;
  std::string_view example;
  Audience audience = Audience::people;
};

struct CommandLine {
  std::string_view program;
  std::span<const OptionSpec> options;  // before or after any verb
  std::span<const VerbSpec> verbs;
};

// That of oci-oauth(1).
const CommandLine& command_line();

const VerbSpec* find_verb(const CommandLine& line, std::string_view name);

// The options and operands that a verb was called with.
struct Arguments {
  std::vector<std::pair<std::string_view, std::string>> options;  // name as described, and its value
  std::vector<std::string> operands;

  bool has(std::string_view option) const { return value(option).has_value(); }
  // The last value given; nullopt: the option is not there.
  std::optional<std::string> value(std::string_view option) const;
};

enum class Request { run, help, version };

struct ParsedCommandLine {
  Request request = Request::run;
  const VerbSpec* verb = nullptr;  // nullptr only for help and version
  std::string config;              // --config; empty: not given
  Arguments arguments;
};

// Reads `words` (without the program's name). Options stand before or after the verb and its operands, as
// "--option VALUE" or "--option=VALUE"; "--" ends them. Failure (kind usage): an option or a verb that is not
// described, and the nearest one that is; a value that is missing or not wanted.
Result<ParsedCommandLine> parse_command_line(const CommandLine& line, const std::vector<std::string>& words);

// What --help prints: of the program, or of one verb.
std::string help_text(const CommandLine& line);
std::string help_text(const CommandLine& line, const VerbSpec& verb);

// "usage" of one option or verb as in a synopsis: "--min-ttl DURATION".
std::string spelling(const OptionSpec& option);

// The word among `known` that `word` is most likely a misspelling of; empty where none is near. Distance: at
// most a third of the letters wrong (insertions, deletions, substitutions, neighbours swapped).
std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known);

// A mistake in the command line of `verb`.
Error usage_error(std::string_view verb, std::string_view what);

}  // namespace oci_oauth
