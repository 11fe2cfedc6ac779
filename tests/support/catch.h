// SPDX-License-Identifier: Apache-2.0
// The one place that names the test framework: its major versions 2 and 3 spell some words differently.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>

#include <string>

namespace Catch {

using Matchers::EndsWith;
using Matchers::StartsWith;

inline Matchers::StringContainsMatcher Contains(const std::string& text) {
  return Matchers::ContainsSubstring(text);
}

}  // namespace Catch
#else
#include <catch2/catch.hpp>
#endif
