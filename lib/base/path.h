// SPDX-License-Identifier: Apache-2.0
// Absolute paths as text, without access to a file system.
#pragma once

#include <string>
#include <string_view>

namespace oci_oauth {

// Removes the first component and the slash after it from `path`. Result: the component, which may be empty.
std::string_view next_component(std::string_view& path);

// "/a//b/./c/" -> "/a/b/c"; false for a relative path or one with "..".
bool normalise_path(std::string_view path, std::string& normalised);

// "/a/b" is inside "/a"; "/a" and "/ab" are not. Both are normalised.
bool lies_within(std::string_view path, std::string_view directory);

// "/a/b" -> "/a", "/a" -> "/", "a" -> ".".
std::string parent_directory(const std::string& path);

}  // namespace oci_oauth
