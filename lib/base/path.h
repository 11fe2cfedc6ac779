// SPDX-License-Identifier: Apache-2.0
// Paths as text, and who could have put something else at a path.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"

namespace oci_oauth {

// "/a//b/./c/" -> "/a/b/c"; nullopt for a relative path or one with "..".
std::optional<std::string> normalised_path(std::string_view path);

// "/a/b" is inside "/a"; "/a" and "/ab" are not. Both are normalised.
bool lies_within(std::string_view path, std::string_view directory);

// "/a/b" -> "/a", "/a" -> "/", "a" -> ".".
std::string parent_directory(const std::string& path);

// "/a/b" -> "b": what follows the last slash.
std::string base_name(std::string_view path);

// Guards against links that lead root to another user's file: walks the absolute `path` from "/" component by
// component without following links, and expands symbolic links as text (at most 40). Result: the owner of
// the first component (directory, link or file) that belongs neither to root nor to `trusted`; nullopt if
// there is none. The file itself need not exist. Failure: "PATH: reason" for a missing directory, a loop, or
// a component that is not a directory.
Result<std::optional<Owner>> find_other_owner(const std::string& path, uid_t trusted);

}  // namespace oci_oauth
