// SPDX-License-Identifier: Apache-2.0
#include "arguments.h"

#include <fmt/format.h>

#include <algorithm>

namespace oci_oauth {

Error usage_error(std::string_view verb, std::string_view what) {
  return {ErrorKind::usage, fmt::format("{}: {}", verb, what), fmt::format("oci-oauth {} --help", verb)};
}

ArgumentReader::ArgumentReader(std::string_view verb, Arguments arguments)
    : verb_(verb), words_(std::move(arguments)) {
  const auto end = std::find(words_.begin(), words_.end(), "--");
  if (end == words_.end()) return;
  operands_.assign(end + 1, words_.end());
  words_.erase(end, words_.end());
}

void ArgumentReader::fail(const std::string& message) {
  if (!mistake_) mistake_ = usage_error(verb_, message);
}

bool ArgumentReader::flag(std::string_view option) {
  const bool given = std::erase(words_, option) > 0;
  const std::string with_value = fmt::format("{}=", option);
  for (const std::string& word : words_) {
    if (word.starts_with(with_value)) fail(fmt::format("option '{}' takes no value", option));
  }
  return given;
}

std::optional<std::string> ArgumentReader::value(std::string_view option) {
  const std::string with_value = fmt::format("{}=", option);
  std::optional<std::string> found;
  for (auto word = words_.begin(); word != words_.end();) {
    if (word->starts_with(with_value)) {
      found = word->substr(with_value.size());
      word = words_.erase(word);
    } else if (*word == option && word + 1 != words_.end()) {
      found = *(word + 1);
      word = words_.erase(word, word + 2);
    } else if (*word == option) {
      fail(fmt::format("option '{}' needs a value", option));
      word = words_.erase(word);
    } else {
      ++word;
    }
  }
  if (found && found->empty()) fail(fmt::format("option '{}' needs a value", option));
  return found;
}

Result<Arguments> ArgumentReader::operands() {
  for (const std::string& word : words_) {
    if (word.starts_with('-') && word != "-") fail(fmt::format("unknown option '{}'", word));
  }
  if (mistake_) return *mistake_;
  Arguments all = words_;
  all.insert(all.end(), operands_.begin(), operands_.end());
  return all;
}

}  // namespace oci_oauth
