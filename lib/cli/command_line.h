// SPDX-License-Identifier: Apache-2.0
// The command line of oci-oauth, described once: the parser, --help, the manual's option lists and the shell
// completions are generated from it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace oci_oauth {

// Who uses it. Options and verbs for units and the hook are in the manual, but not in --help and completions.
enum class Audience { people, programs };

// What shells complete as an option's value or as an operand.
enum class Completion { nothing, file, directory, profile, words };

struct Words {
  std::string_view shown;  // in the synopsis: "DURATION", "raw|json|header"; empty: no value
  Completion completion = Completion::nothing;
  std::span<const std::string_view> offered = {};  // the words, or examples of other values
};

struct OptionSpec {
  std::string_view name;         // including its dashes
  std::string_view purpose;      // one line, for --help and completions
  std::string_view manual = {};  // mdoc(7), if the manual says more than `purpose`
  Words value = {};
  Audience audience = Audience::people;
};

struct VerbSpec {
  std::string_view name;
  std::string_view purpose;
  std::string_view example;
  Words operands = {};
  std::span<const OptionSpec> options = {};
  Audience audience = Audience::people;
};

struct CommandLine {
  std::span<const OptionSpec> options;  // before or after any verb
  std::span<const VerbSpec> verbs;
};

// That of oci-oauth(1).
const CommandLine& command_line();

// nullptr: there is none.
const VerbSpec* find_verb(std::string_view name);

// The options and operands of a verb.
struct Arguments {
  std::vector<std::pair<std::string_view, std::string>> options;  // the name as described, and the value
  std::vector<std::string> operands;

  bool has(std::string_view option) const { return value(option).has_value(); }
  // The last value; nullopt: the option is absent.
  std::optional<std::string> value(std::string_view option) const;
};

enum class Request { run, help, version };

struct ParsedCommandLine {
  Request request = Request::run;
  const VerbSpec* verb = nullptr;  // nullptr only for --help and --version
  std::string config;              // --config; empty: not given
  Arguments arguments;
};

// Parses `words` (without the program's name). Options come before or after the verb and its operands, as
// "--option VALUE" or "--option=VALUE"; "--" ends them. Failure (kind usage): an unknown option or verb, with
// the nearest known one, or a value that is missing or unexpected.
Result<ParsedCommandLine> parse_command_line(const std::vector<std::string>& words);

// The text of --help, for the program or for one verb.
std::string help_text();
std::string help_text(const VerbSpec& verb);

// An option or a verb as in a synopsis: "--min-ttl DURATION".
std::string spelling(const OptionSpec& option);

// The word among `known` that `word` is most likely a misspelling of; empty if none is close. At most a third
// of the letters may be wrong (insertions, deletions, substitutions, swapped neighbours).
std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known);

// A usage error in the command line of `verb`.
Error usage_error(std::string_view verb, std::string_view what);

}  // namespace oci_oauth
