// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "base/fmt.h"
#include "cli/command_line.h"

namespace oci_oauth {

namespace {

// One word that starts with a dash, and the value after its equals sign.
struct OptionWord {
  std::string_view name;
  std::optional<std::string_view> value;
};

OptionWord split(std::string_view word) {
  if (word == "-h") return {"--help", std::nullopt};
  const size_t at = word.find('=');
  if (at == std::string_view::npos) return {word, std::nullopt};
  return {word.substr(0, at), word.substr(at + 1)};
}

const OptionSpec* find_option(std::span<const OptionSpec> options, std::string_view name) {
  const auto found = std::ranges::find(options, name, &OptionSpec::name);
  return found == options.end() ? nullptr : &*found;
}

// Before the verb is known, an option may belong to any verb.
const OptionSpec* find_option(const CommandLine& line, const VerbSpec* verb, std::string_view name) {
  if (const OptionSpec* option = find_option(line.options, name)) return option;
  if (verb != nullptr) return find_option(verb->options, name);
  for (const VerbSpec& any : line.verbs) {
    if (const OptionSpec* option = find_option(any.options, name)) return option;
  }
  return nullptr;
}

std::string help_hint(const CommandLine& line, const VerbSpec* verb) {
  return verb == nullptr ? fmt::format("{} --help", line.program)
                         : fmt::format("{} {} --help", line.program, verb->name);
}

std::string suggestion(std::string_view nearest) {
  return nearest.empty() ? "" : fmt::format(": did you mean '{}'?", nearest);
}

class Parser {
 public:
  Parser(const CommandLine& line, const std::vector<std::string>& words) : line_(line), words_(words) {}

  Result<ParsedCommandLine> parse();

 private:
  Result<void> read_option(std::string_view word);
  Result<void> read_word(const std::string& word);
  Result<void> check_options() const;
  Error fail(const std::string& what) const;
  Error unknown_option(std::string_view name) const;

  const CommandLine& line_;
  const std::vector<std::string>& words_;
  size_t next_ = 0;
  bool only_operands_ = false;
  ParsedCommandLine parsed_;
};

Error Parser::fail(const std::string& what) const {
  const std::string context = parsed_.verb == nullptr ? "" : fmt::format("{}: ", parsed_.verb->name);
  return {ErrorKind::usage, context + what, help_hint(line_, parsed_.verb)};
}

Error Parser::unknown_option(std::string_view name) const {
  std::vector<std::string_view> known;
  for (const OptionSpec& option : line_.options) known.push_back(option.name);
  if (parsed_.verb != nullptr) {
    for (const OptionSpec& option : parsed_.verb->options) known.push_back(option.name);
  }
  return fail(fmt::format("unknown option '{}'{}", name, suggestion(nearest_word(name, known))));
}

Result<void> Parser::read_option(std::string_view word) {
  const auto [name, inline_value] = split(word);
  const OptionSpec* option = find_option(line_, parsed_.verb, name);
  if (option == nullptr) return unknown_option(name);
  const bool takes_value = !option->value.shown.empty();
  if (!takes_value && inline_value) return fail(fmt::format("option '{}' takes no value", name));
  std::string value(inline_value.value_or(""));
  if (takes_value && !inline_value && next_ < words_.size()) value = words_[next_++];
  if (takes_value && value.empty()) return fail(fmt::format("option '{}' needs a value", name));
  if (option->name == "--help") {
    parsed_.request = Request::help;
  } else if (option->name == "--version") {
    parsed_.request = Request::version;
  } else if (option->name == "--config") {
    parsed_.config = std::move(value);
  } else {
    parsed_.arguments.options.emplace_back(option->name, std::move(value));
  }
  return {};
}

Result<void> Parser::read_word(const std::string& word) {
  if (parsed_.verb != nullptr) {
    // A shell makes one of a variable that is not set.
    if (word.empty()) return fail("an argument is empty");
    parsed_.arguments.operands.push_back(word);
    return {};
  }
  if (word == "help") {
    parsed_.request = Request::help;
    return {};
  }
  parsed_.verb = find_verb(line_, word);
  if (parsed_.verb != nullptr) return {};
  std::vector<std::string_view> known;
  for (const VerbSpec& verb : line_.verbs) {
    if (verb.audience == Audience::people) known.push_back(verb.name);
  }
  return fail(fmt::format("unknown verb '{}'{}", word, suggestion(nearest_word(word, known))));
}

// Options before the verb were looked up among those of all verbs.
Result<void> Parser::check_options() const {
  if (parsed_.verb == nullptr) return {};
  for (const auto& [name, value] : parsed_.arguments.options) {
    if (find_option(parsed_.verb->options, name) == nullptr) return unknown_option(name);
  }
  return {};
}

Result<ParsedCommandLine> Parser::parse() {
  while (next_ < words_.size()) {
    const std::string& word = words_[next_++];
    const bool is_option = !only_operands_ && word.size() > 1 && word[0] == '-';
    if (is_option && word == "--") {
      only_operands_ = true;
      continue;
    }
    TRY(is_option ? read_option(word) : read_word(word));
  }
  if (parsed_.request != Request::run) return std::move(parsed_);
  if (parsed_.verb == nullptr) return fail("no verb given");
  TRY(check_options());
  return std::move(parsed_);
}

}  // namespace

std::optional<std::string> Arguments::value(std::string_view option) const {
  for (auto given = options.rbegin(); given != options.rend(); ++given) {
    if (given->first == option) return given->second;
  }
  return std::nullopt;
}

const VerbSpec* find_verb(const CommandLine& line, std::string_view name) {
  const auto found = std::ranges::find(line.verbs, name, &VerbSpec::name);
  return found == line.verbs.end() ? nullptr : &*found;
}

Result<ParsedCommandLine> parse_command_line(const CommandLine& line, const std::vector<std::string>& words) {
  return Parser(line, words).parse();
}

Error usage_error(std::string_view verb, std::string_view what) {
  return {ErrorKind::usage, fmt::format("{}: {}", verb, what), fmt::format("oci-oauth {} --help", verb)};
}

}  // namespace oci_oauth
