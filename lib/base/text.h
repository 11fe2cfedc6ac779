// SPDX-License-Identifier: Apache-2.0
// Lines, words, numbers and blanks of a text; placeholders in it, its quotes for a shell, and its UTF-8; and
// the words of an enum.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace oci_oauth {

// Without the blanks at both ends.
inline std::string_view trimmed(std::string_view text, std::string_view blanks = " \t\r") {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

// Removes the first part of `text`, up to the separator, and the separator.
inline std::string_view next_part(std::string_view& text, char separator) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

// The first parts of `text`; the last one is the rest, and missing ones are empty.
template <size_t count>
std::array<std::string_view, count> parts_of(std::string_view text, char separator) {
  std::array<std::string_view, count> parts;
  for (size_t i = 0; i + 1 < count; ++i) parts[i] = next_part(text, separator);
  parts.back() = text;
  return parts;
}

inline std::string_view next_line(std::string_view& text) {
  return next_part(text, '\n');
}

inline std::string_view first_line(std::string_view text) {
  return text.substr(0, text.find('\n'));
}

// Whether `word` is one of the parts of a list, between blanks.
inline bool is_listed(std::string_view word, std::string_view list, char separator) {
  while (!list.empty()) {
    if (trimmed(next_part(list, separator)) == word) return true;
  }
  return false;
}

// The number that the whole of `text` is; nullopt: it is not one, or another type's.
template <std::integral Number>
std::optional<Number> number_in(std::string_view text, int base = 10) {
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number, base);
  return read.ec == std::errc() && read.ptr == end ? std::optional(number) : std::nullopt;
}

// `text` with each `placeholder` replaced by `value`, in which none is looked for.
inline std::string with_value(std::string text, std::string_view placeholder, std::string_view value) {
  for (size_t at = 0; (at = text.find(placeholder, at)) != text.npos; at += value.size())
    text.replace(at, placeholder.size(), value);
  return text;
}

// `text` as a shell reads it back as one word (POSIX.1-2017, Shell Command Language, 2.2): in quotes if
// needed.
std::string shell_word(std::string_view text);

// What is between spaces; never empty.
inline std::vector<std::string_view> words_in(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    if (const std::string_view word = next_part(text, ' '); !word.empty()) words.push_back(word);
  }
  return words;
}

// UTF-8 as RFC 3629 has it: nothing longer than needed, no half of a surrogate pair, nothing beyond U+10FFFF.
struct Utf8Character {
  unsigned code = 0;
  size_t size = 0;  // in bytes; 0: it is not one
};
Utf8Character utf8_character(std::string_view text);  // that `text` begins with
bool is_utf8(std::string_view text);
std::string utf8(unsigned code);  // the character of a code point that is no half

// Text of others, for a terminal or a log: it cannot move the cursor, change colours, turn the text round or
// run on. "?" stands for each byte that is not UTF-8, and for control and formatting characters (Unicode's
// Cc, and the marks of direction); text of more bytes than `longest` is cut and ends with "...".
std::string printable(std::string_view text, size_t longest = std::string_view::npos);

// The words of an enum, in one table beside it: what is written, shown and read.
//
//   constexpr std::array<std::string_view, 2> words_of(Colour) { return {"red", "green"}; }  // in its order
template <class Enum>
concept Worded = requires(Enum value) {
  words_of(value).size();
};

constexpr std::string_view word(Worded auto value) {
  return words_of(value)[static_cast<size_t>(value)];
}

// Every value, in order.
template <Worded Enum>
constexpr auto values_of() {
  std::array<Enum, words_of(Enum{}).size()> values{};
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<Enum>(i);
  return values;
}

// nullopt for a word that no value has.
template <Worded Enum>
constexpr std::optional<Enum> from_word(std::string_view text) {
  constexpr auto words = words_of(Enum{});
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == text) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace oci_oauth
