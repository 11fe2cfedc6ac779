// SPDX-License-Identifier: Apache-2.0
// Reads TOML that people wrote for their engines, and adds one marked block of ours to it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace oci_oauth {

using TomlPath = std::vector<std::string>;

class Toml {
 public:
  // Failure (kind failed): "SOURCE:LINE:COLUMN: not TOML: reason".
  static Result<Toml> parse(std::string_view text, std::string_view source);

  // Each is nullopt if it is absent or has another type.
  std::optional<std::int64_t> integer(const TomlPath& path) const;
  std::optional<std::string> string(const TomlPath& path) const;
  // An array: its strings and, as in containers.conf(5), the value of a table {append = …} in it.
  struct List {
    std::vector<std::string> strings = {};
    std::optional<bool> append = {};
  };
  std::optional<List> list(const TomlPath& path) const;
  bool has(const TomlPath& path) const;
  // The members of a table, each with its value as TOML, which is empty for a table. Sorted by name; none if
  // there is no table.
  std::vector<std::pair<std::string, std::string>> members(const TomlPath& path) const;

 private:
  struct Document;
  explicit Toml(std::shared_ptr<const Document> document) : document_(std::move(document)) {}
  std::shared_ptr<const Document> document_;
};

// `text` with the lines of `block` at its end between two marks. Failure: either text is not TOML, or the
// block conflicts with it (it defines a table that exists already, or within an inline one).
Result<std::string> add_toml_block(std::string_view text, std::string_view source, std::string_view block);

// What add_toml_block added, including the marks; empty if there is no block.
std::string_view find_toml_block(std::string_view text);

// `text` without what add_toml_block added; unchanged if there is no block.
std::string remove_toml_block(std::string_view text);

// `text` as a TOML basic string, with its quotes.
std::string toml_quoted(std::string_view text);

}  // namespace oci_oauth
