// SPDX-License-Identifier: Apache-2.0
// Reads TOML that people wrote for their engines, and adds to it one marked block of ours.
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

  // Each is nullopt where there is none, or it is of another type.
  std::optional<std::int64_t> integer(const TomlPath& path) const;
  std::optional<std::string> string(const TomlPath& path) const;
  std::optional<std::vector<std::string>> strings(const TomlPath& path) const;
  // A list of containers.conf(5): its texts, and what a table {append = …} in it says; nullopt where there is
  // no array.
  struct Appendable {
    std::vector<std::string> strings;
    std::optional<bool> append;
  };
  std::optional<Appendable> appendable(const TomlPath& path) const;
  bool has(const TomlPath& path) const;
  // The members of a table that are no tables, each with its value as TOML; and the names of those that are.
  // In the order of their names; none where there is no table.
  std::vector<std::pair<std::string, std::string>> values(const TomlPath& path) const;
  std::vector<std::string> tables(const TomlPath& path) const;
  bool empty() const;

 private:
  struct Document;
  explicit Toml(std::shared_ptr<const Document> document) : document_(std::move(document)) {}
  std::shared_ptr<const Document> document_;
};

// `text` with the lines of `block` at its end between two marks. Failure: either text is no TOML, or the
// block does not go with it (it defines a table that is there already, or within an inline one).
Result<std::string> add_toml_block(std::string_view text, std::string_view source, std::string_view block);

// What add_toml_block added, marks included; empty where there is no block.
std::string_view find_toml_block(std::string_view text);

// `text` without what add_toml_block added; as it is where there is no block.
std::string remove_toml_block(std::string_view text);

// `text` as a TOML basic string, with its quotes.
std::string toml_quoted(std::string_view text);

}  // namespace oci_oauth
