// SPDX-License-Identifier: Apache-2.0
// The only file that names {fmt}: `fmt::format` in this namespace is the function below, whose implementation
// is compiled once.
#pragma once

// Headers only, because distributions ship only a shared library and the hook is static.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

namespace oci_oauth::fmt {

using ::fmt::join;

std::string formatted(::fmt::string_view text, ::fmt::format_args args);

// Result: `text` with each {} replaced, checked at compile time (https://fmt.dev/latest/syntax). If callers
// used the headers directly, {fmt} would be compiled again into each source.
template <typename... Args>
std::string format(::fmt::format_string<Args...> text, Args&&... args) {
  if constexpr (requires { text.get(); })  // {fmt} 10 and later; 12.2 deprecates the conversion
    return formatted(text.get(), ::fmt::make_format_args(args...));
  else
    return formatted(text, ::fmt::make_format_args(args...));
}

}  // namespace oci_oauth::fmt
