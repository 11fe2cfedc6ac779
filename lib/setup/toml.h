// SPDX-License-Identifier: Apache-2.0
// TOML that people wrote for their engines, as toml++ reads it, and one marked block of ours in it.
#pragma once

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 1
#include <toml++/toml.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace oci_oauth {

using TomlView = toml::node_view<const toml::node>;  // of what may be absent

// Failure (kind failed): "SOURCE:LINE:COLUMN: not TOML: reason".
Result<toml::table> parse_toml(std::string_view text, std::string_view source);

// The strings in an array; none if it is not one.
std::vector<std::string> strings_in(TomlView array);

// `text`, which is TOML, with the lines of `block` at its end between two marks. Failure: the block conflicts
// with it (it defines a table that exists already, or within an inline one).
Result<std::string> add_toml_block(std::string_view text, std::string_view source, std::string_view block);

// What add_toml_block added, including the marks; empty if there is no block.
std::string_view find_toml_block(std::string_view text);

// `text` without what add_toml_block added; unchanged if there is no block.
std::string remove_toml_block(std::string_view text);

}  // namespace oci_oauth
