// SPDX-License-Identifier: Apache-2.0
// Whether the text under a delivered name is ours, somebody else's, or both in one document. Pure; what we
// did not write is never taken for ours.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"
#include "delivery/container_record.h"

namespace oci_oauth {

// True if the JSON document, or text that is not JSON, contains a refresh token: at any depth a non-empty
// string under a key that names one (provider.h), or under the last key of `pointer` (JSON Pointer; empty:
// none).
bool holds_refresh_token(std::string_view document, const std::string& pointer = "");
bool holds_refresh_token(const JsonValue& value, const std::string& pointer = "");

using Fingerprints = std::set<std::string, std::less<>>;

enum class Content {
  current,  // the published content
  ours,     // what we wrote earlier
  blank,    // nothing: the file or our member is empty, removed, or marked by a client as a dead login
  foreign   // somebody else's
};

struct Judgement {
  Content content = Content::foreign;
  bool has_others = false;  // the document also contains what others wrote
  std::string why = {};     // foreign: "contains a refresh token", after the file's name
};

// Judges the `text` of `file`. `published`: the content of share/ under that name, or nullptr. `known`:
// fingerprints of what we wrote into this directory.
Judgement judge(std::string_view text, const WrittenFile& file, const Secret* published,
                const Fingerprints& known);

// The fingerprint by which `published` is recognised once it is in place. Empty if it does not contain a
// token.
std::string fingerprint_of(const Secret& published, const WrittenFile& file);

// `text`, a JSON object, with our member as in `published`; every other byte stays the same.
Result<Secret> with_member(std::string_view text, const WrittenFile& file, const Secret& published);
// The same without our member.
Result<Secret> without_member(std::string_view text, const WrittenFile& file);
bool is_empty_object(std::string_view text);

}  // namespace oci_oauth
