// SPDX-License-Identifier: Apache-2.0
#include "sinks/environment_file.h"

#include <string>

#include "base/fmt.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr std::string_view blanks = " \t\r";

// What the line assigns to `name`, verbatim; nullopt if it does something else.
std::optional<std::string_view> assigned(std::string_view line, std::string_view name) {
  line = trimmed(line);
  if (constexpr std::string_view prefix = "export "; line.starts_with(prefix)) {
    line = trimmed(line.substr(prefix.size()));
  }
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos || trimmed(line.substr(0, equals)) != name) return std::nullopt;
  return trimmed(line.substr(equals + 1));
}

// A value may be followed only by white space or a comment.
bool is_end(std::string_view rest) {
  return rest.empty() || (blanks.find(rest[0]) != std::string_view::npos &&
                          (trimmed(rest).empty() || trimmed(rest)[0] == '#'));
}

Result<Secret> plain_value(std::string_view text) {
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '#' && blanks.find(text[i - 1]) != std::string_view::npos)
      text = trimmed(text.substr(0, i));
  }
  if (text.starts_with('#')) return Secret();
  if (text.ends_with('\\')) return Error{ErrorKind::configuration, "continues on the next line"};
  return Secret(text);
}

Result<Secret> quoted_value(std::string_view text) {
  const char quote = text[0];
  std::string value;
  value.reserve(text.size());  // a growing string leaves copies behind
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == quote) {
      if (is_end(text.substr(i + 1))) return Secret(std::move(value));
      wipe(value);
      return Error{ErrorKind::configuration, "has text after its closing quote"};
    }
    if (quote == '"' && text[i] == '\\' && i + 1 < text.size()) ++i;
    value += text[i];
  }
  wipe(value);
  return Error{ErrorKind::configuration, "has no closing quote on the same line"};
}

}  // namespace

Result<std::optional<Secret>> find_in_environment_file(std::string_view text, std::string_view name,
                                                       std::string_view source) {
  std::optional<Secret> found;
  for (unsigned number = 1; !text.empty(); ++number) {
    const auto value = assigned(next_line(text), name);
    if (!value) continue;
    const bool in_quotes = value->starts_with('"') || value->starts_with('\'');
    auto read = in_quotes ? quoted_value(*value) : plain_value(*value);
    if (!read) return std::move(read).error().in(fmt::format("{}:{}: {}", source, number, name));
    found.reset();
    if (!read->empty()) found.emplace(std::move(*read));
  }
  return found;
}

}  // namespace oci_oauth
