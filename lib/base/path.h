// SPDX-License-Identifier: Apache-2.0
// Paths as text, without access to a file system.
#pragma once

#include <string>
#include <string_view>

namespace oci_oauth {

// "/a//b/./c/" -> "/a/b/c"; false for a relative path or one with "..".
bool normalise_path(std::string_view path, std::string& normalised);

// "/a/b" is inside "/a"; "/a" and "/ab" are not. Both are normalised.
bool lies_within(std::string_view path, std::string_view directory);

// "/a/b" -> "/a", "/a" -> "/", "a" -> ".".
std::string parent_directory(const std::string& path);

// "/a/b" -> "b": what follows the last slash.
std::string base_name(std::string_view path);

}  // namespace oci_oauth
