// SPDX-License-Identifier: Apache-2.0
// The one place that names {fmt}: in this namespace `fmt::format` is the function below, whose work is
// compiled once.
#pragma once

// Its headers alone: distributions ship only a shared library of it, and the hook is static.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

namespace oci_oauth::fmt {

using ::fmt::join;

std::string formatted(::fmt::string_view text, ::fmt::format_args args);

// Result: `text` with each {} replaced, checked at compile time (https://fmt.dev/latest/syntax). Called by
// its header alone, {fmt} would be compiled again into each source that formats something.
template <typename... Args>
std::string format(::fmt::format_string<Args...> text, Args&&... args) {
  return formatted(text, ::fmt::make_format_args(args...));
}

}  // namespace oci_oauth::fmt
