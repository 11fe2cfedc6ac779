// SPDX-License-Identifier: Apache-2.0
// What the text under a delivered name is: ours, somebody else's, or both in one document. Pure; nothing that
// we did not write is ever taken for ours.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"
#include "delivery/container_record.h"

namespace oci_oauth {

// True where the JSON document, or text that is not JSON, contains a refresh token: a non-empty string under
// a key "refreshToken" or "refresh_token" at any depth, or under the last key of `pointer` (JSON Pointer;
// empty: none).
bool holds_refresh_token(std::string_view document, const std::string& pointer = "");
bool holds_refresh_token(const JsonValue& value, const std::string& pointer = "");

using Fingerprints = std::set<std::string, std::less<>>;

enum class Content {
  current,  // what is published
  ours,     // what we wrote earlier
  blank,    // nothing: the file or our member is empty, removed, or a client's mark of a dead login
  foreign   // somebody else's
};

struct Judgement {
  Content content = Content::foreign;
  bool has_others = false;  // the document holds what others wrote beside our member
  std::string why = {};     // foreign: "contains a refresh token", after the file's name
};

// Judges the `text` of `file`. `published`: what share/ holds under that name; nullptr: nothing. `known`:
// fingerprints of what we wrote into this directory.
Judgement judge(std::string_view text, const WrittenFile& file, const Secret* published,
                const Fingerprints& known);

// The fingerprint by which `published` is known again when it is in place. Empty where it holds no token.
std::string fingerprint_of(const Secret& published, const WrittenFile& file);

// `text`, a JSON object, with the member that is ours as in `published`; every other byte stays.
Result<Secret> with_member(std::string_view text, const WrittenFile& file, const Secret& published);
// The same without our member.
Result<Secret> without_member(std::string_view text, const WrittenFile& file);
bool is_empty_object(std::string_view text);

}  // namespace oci_oauth
