// SPDX-License-Identifier: Apache-2.0
// The words of an enum, in one table beside it: what is written, shown and read.
//
//   constexpr std::array<std::string_view, 2> words_of(Colour) { return {"red", "green"}; }  // in its order
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace oci_oauth {

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
