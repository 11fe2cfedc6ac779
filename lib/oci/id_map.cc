// SPDX-License-Identifier: Apache-2.0
#include "oci/id_map.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/fmt.h"

namespace oci_oauth {

namespace {

constexpr std::uint32_t no_id = std::numeric_limits<std::uint32_t>::max();  // chown(2): leave it as it is

bool is_separator(char c) {
  return c == ' ' || c == '\n' || c == '\0';
}

// Removes the first number and the separator after it from `text`.
std::optional<std::uint32_t> next_number(std::string_view& text) {
  std::uint32_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto size = static_cast<size_t>(end - text.data());
  if (failed != std::errc() || (size < text.size() && !is_separator(text[size]))) return std::nullopt;
  text.remove_prefix(size);
  return number;
}

void skip_separators(std::string_view& text) {
  text.remove_prefix(static_cast<size_t>(std::ranges::find_if_not(text, is_separator) - text.begin()));
}

// `id`, which is `offset` above the start of a range of `count` ids that starts with `first` on the other
// side.
std::optional<std::uint32_t> shifted(std::uint32_t id, std::uint32_t from, std::uint32_t first,
                                     std::uint32_t count) {
  if (id < from || id - from >= count) return std::nullopt;
  const std::uint64_t shifted = std::uint64_t{first} + (id - from);
  return shifted < no_id ? std::optional(static_cast<std::uint32_t>(shifted)) : std::nullopt;
}

}  // namespace

Result<IdMap> IdMap::parse(std::string_view text, std::string_view source) {
  IdMap map;
  for (skip_separators(text); !text.empty(); skip_separators(text)) {
    std::uint32_t numbers[3];
    for (std::uint32_t& number : numbers) {
      skip_separators(text);
      const auto next = next_number(text);
      if (!next) return Error{ErrorKind::failed, fmt::format("{}: is not an id mapping", source)};
      number = *next;
    }
    map.ranges_.push_back({numbers[0], numbers[1], numbers[2]});
  }
  return map;
}

std::optional<std::uint32_t> IdMap::outside(std::uint32_t inside) const {
  for (const Range& range : ranges_) {
    if (const auto id = shifted(inside, range.inside, range.outside, range.count)) return id;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> IdMap::inside(std::uint32_t outside) const {
  for (const Range& range : ranges_) {
    if (const auto id = shifted(outside, range.outside, range.inside, range.count)) return id;
  }
  return std::nullopt;
}

}  // namespace oci_oauth
