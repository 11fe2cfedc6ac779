// SPDX-License-Identifier: Apache-2.0
#include "manual.h"

#include <fmt/format.h>

#include <algorithm>

namespace oci_oauth {

namespace {

// mdoc's macros write the first dash of an option themselves.
std::string flag(std::string_view option) {
  return std::string(option.substr(1));
}

// "raw|json|header" are words to type, "DURATION" stands for one.
std::string value_of(const Words& value) {
  std::string text(value.shown);
  const bool is_typed = value.shown.find('|') != std::string_view::npos;
  if (!is_typed) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return " Ar " + text;
  }
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 3) text.replace(at, 1, " | ");
  return " Cm " + text;
}

std::string option_of(const OptionSpec& option) {
  return fmt::format("Fl {}{}", flag(option.name), option.value.shown.empty() ? "" : value_of(option.value));
}

std::string operands_of(const Words& operands) {
  if (operands.shown.empty()) return "";
  std::string text(operands.shown);
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  const bool is_optional = text.starts_with('[');
  if (!is_optional) return fmt::format(".Ar {}\n", text);
  const std::string name = text.substr(1, text.find(']') - 1);
  return fmt::format(".Op Ar {}{}\n", name, text.ends_with("...") ? " ..." : "");
}

std::string synopsis(const CommandLine& line) {
  std::string text;
  for (const VerbSpec& verb : line.verbs) {
    text += fmt::format(".Nm\n.Cm {}\n", verb.name);
    for (const OptionSpec& option : verb.options) {
      if (option.audience == Audience::people) text += fmt::format(".Op {}\n", option_of(option));
    }
    text += operands_of(verb.operands);
  }
  return text;
}

std::string option_list(std::span<const OptionSpec> options) {
  if (options.empty()) return "";
  std::string text = ".Bl -tag -width Ds\n";
  for (const OptionSpec& option : options) {
    const std::string_view meaning = option.manual.empty() ? option.purpose : option.manual;
    text += fmt::format(".It {}\n{}\n", option_of(option), meaning);
  }
  return text + ".El\n";
}

std::string replaced(const CommandLine& line, std::string_view text) {
  constexpr std::string_view options = "@OPTIONS ";
  if (text == "@SYNOPSIS@") return synopsis(line);
  if (text == "@OPTIONS@") return option_list(line.options);
  if (text.starts_with(options) && text.ends_with('@')) {
    const std::string_view name = text.substr(options.size(), text.size() - options.size() - 1);
    const VerbSpec* verb = find_verb(name);
    return verb == nullptr ? fmt::format(".\\\" no verb {}\n", name) : option_list(verb->options);
  }
  return fmt::format("{}\n", text);
}

}  // namespace

std::string manual_page(const CommandLine& line, std::string_view source) {
  return with_lines_replaced(source, [&](std::string_view text) { return replaced(line, text); });
}

std::string with_lines_replaced(std::string_view source,
                                const std::function<std::string(std::string_view line)>& replaced) {
  std::string page;
  while (!source.empty()) {
    const size_t end = std::min(source.find('\n'), source.size());
    page += replaced(source.substr(0, end));
    source.remove_prefix(std::min(end + 1, source.size()));
  }
  return page;
}

}  // namespace oci_oauth
