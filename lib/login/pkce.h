// SPDX-License-Identifier: Apache-2.0
// Words that nobody can guess, and the challenge that ties a code to the one who asked for it (RFC 7636).
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"

namespace oci_oauth {

// 256 bits of getrandom(2), as 43 characters of base64url: a code_verifier (section 4.1), or a state.
Secret random_word();

// The code_challenge of the method S256 (section 4.2).
std::string code_challenge(std::string_view verifier);

// Takes a time that depends on the lengths alone.
bool is_same_word(std::string_view one, std::string_view other);

}  // namespace oci_oauth
