// SPDX-License-Identifier: Apache-2.0
// What a person can do about an error, as it has to be typed.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace oci_oauth {

// A part of the installation is missing.
constexpr const char* incomplete_hint = "install oci-oauth-hook again";

// The error's own hint, or else what its kind suggests. Never empty.
std::string hint_of(const Error& error);

// The command that describes this program, which need not be in $PATH.
std::string help_of_this_program();

// The configuration that this program was told to use, for its hints, which it outlives; empty: the default.
void name_configuration(std::string_view path);

// What was typed after the program's name, without --config, for hints that say to type it again, which it
// outlives.
void name_typed_words(std::string_view words);

enum class HintReader { of_terminal, of_log };

// A hint as its reader has to type it. Its commands are at its start and after "&&", "or", "then" or a word
// that ends in a colon: those that need the rights of the program that gives the hint, or begin with "sudo"
// because they need root's. They get or lose sudo(8) as the reader needs it: whoever is root has no sudo, and
// whoever came with sudo, or reads what root has logged, needs it. oci-oauth is named by its path if a shell
// would not find it, and gets --config. "$0" is what was typed.
std::string as_typed(std::string_view hint, HintReader reader = HintReader::of_terminal);

}  // namespace oci_oauth
