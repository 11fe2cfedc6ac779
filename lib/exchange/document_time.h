// SPDX-License-Identifier: Apache-2.0
// Points in time as documents of logins write them: a number, a number in a string, or RFC 3339 text; and the
// one in a JSON Web Token.
#pragma once

#include <optional>
#include <string_view>

#include "base/json.h"
#include "base/time.h"
#include "config/provider.h"

namespace oci_oauth {

// A JSON number, or one in a string, as some servers write it. nullopt: it is neither, or there is no value.
std::optional<double> json_number(const JsonValue* value);

// Numbers are in `unit`. nullopt: there is no value, or it is not a time, or a time before OAuth existed.
std::optional<Time> read_document_time(const JsonValue* value, TimeUnit unit);

// `time` in the form that `old` has: number, string, digits of the fraction and offset stay. Without
// an old one, or with one that is not a time, as `unit` says.
JsonValue document_time(Time time, const JsonValue* old, TimeUnit unit);

// The claim "exp" (RFC 7519 section 4.1.4) of a token, whose signature is for others to check. nullopt: it is
// not a JSON Web Token, or has no such claim.
std::optional<Time> jwt_expiry(std::string_view token);

}  // namespace oci_oauth
