// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "base/fmt.h"
#include "cli/command_line.h"

namespace oci_oauth {

namespace {

constexpr size_t longest_word = 64;

// The optimal string alignment distance: Levenshtein's, with swapped neighbours counted once.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, substituted});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

class Parser {
 public:
  explicit Parser(const std::vector<std::string>& words) : words_(words) {}

  Result<ParsedCommandLine> parse() {
    bool only_operands = false;
    while (next_ < words_.size()) {
      const std::string& word = words_[next_++];
      const bool is_option = !only_operands && word.size() > 1 && word[0] == '-';
      if (is_option && word == "--") {
        only_operands = true;
        continue;
      }
      TRY(is_option ? read_option(word) : read_word(word));
    }
    if (parsed_.request != Request::run) return std::move(parsed_);
    if (parsed_.verb == nullptr) return fail("no verb given");
    // Options before the verb were looked up among those of all verbs.
    for (const auto& [name, value] : parsed_.arguments.options) {
      if (find_option(name) == nullptr) return unknown_option(name);
    }
    return std::move(parsed_);
  }

 private:
  Result<void> read_option(std::string_view word) {
    const size_t equals = word.find('=');
    const bool has_value = equals != word.npos;
    const std::string_view name = word == "-h" ? "--help" : word.substr(0, equals);
    const OptionSpec* option = find_option(name);
    if (option == nullptr) return unknown_option(name);
    const bool takes_value = !option->value.shown.empty();
    if (!takes_value && has_value) return fail(fmt::format("option '{}' takes no value", name));
    std::string value(has_value ? word.substr(equals + 1) : "");
    if (takes_value && !has_value && next_ < words_.size()) value = words_[next_++];
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

  Result<void> read_word(const std::string& word) {
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
    parsed_.verb = find_verb(word);
    if (parsed_.verb != nullptr) return {};
    std::vector<std::string_view> known;
    for (const VerbSpec& verb : line_.verbs) {
      if (verb.audience == Audience::people) known.push_back(verb.name);
    }
    return unknown("verb", word, known);
  }

  // Before the verb is known, an option may belong to any verb.
  const OptionSpec* find_option(std::string_view name) const {
    const OptionSpec* found = nullptr;
    const auto look_in = [&](std::span<const OptionSpec> options) {
      const auto option = std::ranges::find(options, name, &OptionSpec::name);
      if (found == nullptr && option != options.end()) found = &*option;
    };
    look_in(line_.options);
    for (const VerbSpec& verb : line_.verbs) {
      if (parsed_.verb == nullptr || parsed_.verb == &verb) look_in(verb.options);
    }
    return found;
  }

  Error unknown_option(std::string_view name) const {
    std::vector<std::string_view> known;
    for (const OptionSpec& option : line_.options) known.push_back(option.name);
    if (parsed_.verb != nullptr) {
      for (const OptionSpec& option : parsed_.verb->options) known.push_back(option.name);
    }
    return unknown("option", name, known);
  }

  Error unknown(std::string_view what, std::string_view word,
                const std::vector<std::string_view>& known) const {
    const std::string_view nearest = nearest_word(word, known);
    return fail(fmt::format("unknown {} '{}'{}", what, word,
                            nearest.empty() ? "" : fmt::format(": did you mean '{}'?", nearest)));
  }

  Error fail(const std::string& what) const {
    if (parsed_.verb != nullptr) return usage_error(parsed_.verb->name, what);
    return {ErrorKind::usage, what, "oci-oauth --help"};
  }

  const CommandLine& line_ = command_line();
  const std::vector<std::string>& words_;
  size_t next_ = 0;
  ParsedCommandLine parsed_;
};

}  // namespace

std::optional<std::string> Arguments::value(std::string_view option) const {
  for (auto given = options.rbegin(); given != options.rend(); ++given) {
    if (given->first == option) return given->second;
  }
  return std::nullopt;
}

const VerbSpec* find_verb(std::string_view name) {
  const auto verbs = command_line().verbs;
  const auto found = std::ranges::find(verbs, name, &VerbSpec::name);
  return found == verbs.end() ? nullptr : &*found;
}

Result<ParsedCommandLine> parse_command_line(const std::vector<std::string>& words) {
  return Parser(words).parse();
}

std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known) {
  if (word.size() > longest_word) return {};
  std::string_view nearest;
  size_t least = word.size() / 3 + 1;
  for (const std::string_view candidate : known) {
    const size_t far = distance(word, candidate);
    if (far >= least) continue;
    least = far;
    nearest = candidate;
  }
  return nearest;
}

Error usage_error(std::string_view verb, std::string_view what) {
  return {ErrorKind::usage, fmt::format("{}: {}", verb, what), fmt::format("oci-oauth {} --help", verb)};
}

}  // namespace oci_oauth
