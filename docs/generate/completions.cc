// SPDX-License-Identifier: Apache-2.0
#include "completions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace oci_oauth {

namespace {

// Profiles as `status --json` prints them: nothing but sed is needed.
constexpr std::string_view profile_names = R"sh(sed -n 's/^      "name": "\(.*\)",$/\1/p')sh";

constexpr std::string_view bash_template = R"sh(# SPDX-License-Identifier: Apache-2.0
# Completes the words of oci-oauth(1) in bash. Needs nothing but bash 4.
# shellcheck shell=bash

_oci_oauth_profiles() {{
    "$1" "${{@:2}}" status --json 2>/dev/null | {profile_names}
}}

_oci_oauth() {{
    local program=${{COMP_WORDS[0]}} word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}}
    local verb='' config=() words='' i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${{COMP_WORDS[i]}} in
            {with_values})
                [[ ${{COMP_WORDS[i]}} == --config ]] && config=(--config "${{COMP_WORDS[i + 1]}}")
                ((++i))
                ;;
            -*) ;;
            *) [[ $verb ]] || verb=${{COMP_WORDS[i]}} ;;
        esac
    done
    COMPREPLY=()
    case $previous in
{values}        *)
            case $verb in
                '') words='{verbs}' ;;
{cases}                *) words='{common}' ;;
            esac
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}}

complete -F _oci_oauth oci-oauth
)sh";

constexpr std::string_view zsh_template = R"sh(#compdef oci-oauth
# SPDX-License-Identifier: Apache-2.0
# Completes the words of oci-oauth(1) in zsh.

_oci_oauth_profiles() {{
  local -a profiles
  profiles=(${{(f)"$(oci-oauth ${{=config}} status --json 2>/dev/null | {profile_names})"}})
  _describe profile profiles
}}

_oci-oauth() {{
  local config context state line
  typeset -A opt_args
  local -a verbs
  verbs=(
{verbs}  )
  _arguments -C{options} \
    '1:verb:->verb' '*::argument:->argument'
  [[ -n ${{opt_args[--config]}} ]] && config="--config ${{opt_args[--config]}}"
  case $state in
    verb) _describe verb verbs ;;
    argument)
      case $line[1] in
{cases}        *) _arguments{options} ;;
      esac
      ;;
  esac
}}

_oci-oauth "$@"
)sh";

constexpr std::string_view fish_template = R"sh(# SPDX-License-Identifier: Apache-2.0
# Completes the words of oci-oauth(1) in fish.

function __oci_oauth_profiles
    oci-oauth status --json 2>/dev/null | {profile_names}
end

complete -c oci-oauth -f
)sh";

template <class Spec>
std::vector<const Spec*> for_people(std::span<const Spec> specs) {
  std::vector<const Spec*> chosen;
  for (const Spec& spec : specs) {
    if (spec.audience == Audience::people) chosen.push_back(&spec);
  }
  return chosen;
}

// Every option with a value, of any verb, once.
std::vector<const OptionSpec*> options_with_values(const CommandLine& line) {
  std::vector<const OptionSpec*> found;
  const auto add = [&](std::span<const OptionSpec> options) {
    for (const OptionSpec& option : options) {
      bool is_known = option.value.shown.empty();
      for (const OptionSpec* other : found) is_known = is_known || other->name == option.name;
      if (!is_known) found.push_back(&option);
    }
  };
  add(line.options);
  for (const VerbSpec& verb : line.verbs) add(verb.options);
  return found;
}

bool is_path(const Words& words) {
  return words.completion == Completion::file || words.completion == Completion::directory;
}

std::string names(std::span<const OptionSpec> options) {
  std::string text;
  for (const OptionSpec* option : for_people(options)) text += fmt::format("{} ", option->name);
  return text;
}

std::string within_quotes(std::string_view text, std::string_view quote) {
  std::string escaped;
  for (const char c : text) escaped += c == '\'' ? std::string(quote) : std::string(1, c);
  return escaped;
}

std::string quote_for_zsh(std::string_view text) {
  return within_quotes(text, "'\\''");
}

std::string quote_for_fish(std::string_view text) {
  return within_quotes(text, "\\'");
}

// The part of an _arguments specification behind an option or a position.
std::string zsh_value(const Words& value) {
  if (value.shown.empty()) return "";
  if (value.completion == Completion::profile) return ":profile:_oci_oauth_profiles";
  if (value.completion == Completion::file) return ":file:_files";
  if (value.completion == Completion::directory) return ":directory:_files -/";
  return fmt::format(":value:({})", fmt::join(value.offered, " "));
}

std::string zsh_options(std::span<const OptionSpec> options) {
  std::string text;
  for (const OptionSpec* option : for_people(options)) {
    text += fmt::format(" \\\n            '{}[{}]{}'", option->name, quote_for_zsh(option->purpose),
                        zsh_value(option->value));
  }
  return text;
}

std::string zsh_verb(const CommandLine& line, const VerbSpec& verb) {
  std::string text = fmt::format("        {})\n          _arguments{}{}", verb.name,
                                 zsh_options(verb.options), zsh_options(line.options));
  if (!verb.operands.shown.empty()) {
    const bool is_repeated = verb.operands.shown.ends_with("...");
    text += fmt::format(" \\\n            '{}{}'", is_repeated ? "*" : "1", zsh_value(verb.operands));
  }
  return text + "\n          ;;\n";
}

std::string fish_value(const Words& value) {
  if (value.shown.empty()) return "";
  if (is_path(value)) return " -r -F";
  return fmt::format(" -x -a '{}'", fmt::join(value.offered, " "));
}

std::string fish_option(std::string_view condition, const OptionSpec& option) {
  return fmt::format("complete -c oci-oauth{} -l {}{} -d '{}'\n", condition, option.name.substr(2),
                     fish_value(option.value), quote_for_fish(option.purpose));
}

std::string fish_verb(const VerbSpec& verb) {
  std::string text = fmt::format("complete -c oci-oauth -n __fish_use_subcommand -a {} -d '{}'\n", verb.name,
                                 quote_for_fish(verb.purpose));
  const std::string condition = fmt::format(" -n '__fish_seen_subcommand_from {}'", verb.name);
  for (const OptionSpec* option : for_people(verb.options)) text += fish_option(condition, *option);
  if (verb.operands.completion == Completion::profile)
    text += fmt::format("complete -c oci-oauth{} -a '(__oci_oauth_profiles)' -d profile\n", condition);
  if (!verb.operands.offered.empty())
    text +=
        fmt::format("complete -c oci-oauth{} -a '{}'\n", condition, fmt::join(verb.operands.offered, " "));
  return text;
}

std::string bash_verb(const VerbSpec& verb, std::string_view common) {
  std::string words = names(verb.options) + std::string(common);
  if (verb.operands.completion == Completion::profile)
    words += " $(_oci_oauth_profiles \"$program\" \"${config[@]}\")";
  if (!verb.operands.offered.empty()) words += fmt::format(" {}", fmt::join(verb.operands.offered, " "));
  return fmt::format("                {}) words=\"{}\" ;;\n", verb.name, words);
}

// The cases of the word before the one to complete.
std::string bash_values(const CommandLine& line) {
  std::string paths, others;
  for (const OptionSpec* option : options_with_values(line)) {
    if (is_path(option->value)) {
      paths += fmt::format("{}{}", paths.empty() ? "" : " | ", option->name);
    } else if (!option->value.offered.empty()) {
      others +=
          fmt::format("        {}) words='{}' ;;\n", option->name, fmt::join(option->value.offered, " "));
    }
  }
  return fmt::format(
      "        {})\n            compopt -o filenames\n"
      "            mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n            return\n            ;;\n{}",
      paths, others);
}

}  // namespace

std::string bash_completion(const CommandLine& line) {
  std::string common = names(line.options);
  common.pop_back();
  std::string verbs, cases, with_values;
  for (const VerbSpec* verb : for_people(line.verbs)) {
    verbs += fmt::format(" {}", verb->name);
    cases += bash_verb(*verb, common);
  }
  for (const OptionSpec* option : options_with_values(line))
    with_values += fmt::format("{}{}", with_values.empty() ? "" : " | ", option->name);
  return fmt::format(bash_template, fmt::arg("profile_names", profile_names),
                     fmt::arg("with_values", with_values), fmt::arg("values", bash_values(line)),
                     fmt::arg("verbs", common + verbs), fmt::arg("cases", cases), fmt::arg("common", common));
}

std::string zsh_completion(const CommandLine& line) {
  std::string verbs, cases;
  for (const VerbSpec* verb : for_people(line.verbs)) {
    verbs += fmt::format("    '{}:{}'\n", verb->name, quote_for_zsh(verb->purpose));
    cases += zsh_verb(line, *verb);
  }
  return fmt::format(zsh_template, fmt::arg("profile_names", profile_names), fmt::arg("verbs", verbs),
                     fmt::arg("options", zsh_options(line.options)), fmt::arg("cases", cases));
}

std::string fish_completion(const CommandLine& line) {
  std::string text = fmt::format(fish_template, fmt::arg("profile_names", profile_names));
  for (const OptionSpec* option : for_people(line.options)) text += fish_option("", *option);
  for (const VerbSpec* verb : for_people(line.verbs)) text += fish_verb(*verb);
  return text;
}

}  // namespace oci_oauth
