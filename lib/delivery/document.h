// SPDX-License-Identifier: Apache-2.0
// The files that a provider delivers: as they are published in share/, and as they are found under their
// names in a written directory: ours, somebody else's, or both in one document. What we did not write is
// never taken for ours. And the states of a written delivery of them: planned, then delivered or failed.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"
#include "config/provider.h"
#include "delivery/container_ledger.h"

namespace oci_oauth {

// The files that `provider` delivers, as they are recorded before they are written.
std::vector<WrittenFile> delivered_files(const Provider& provider);

struct Share {
  FileId directory;
  std::map<std::string, Secret, std::less<>> files;
  std::map<std::pair<std::string, std::string>, std::string> fingerprints;  // by name and access_token

  // nullptr: nothing is published under that name.
  const Secret* find(std::string_view name) const;
  // What `file` is recognised by once it is in place: fingerprint_of(). Empty if nothing of it is published.
  std::string fingerprint(const WrittenFile& file) const;
};

// `share`: open directory. Failure: a name that is not a regular file.
Result<Share> read_share(int share, const std::vector<WrittenFile>& files);

// Gives the share directory and its files the label that every container of `mount_label`'s type can read.
// New files inherit it from the directory. Does nothing if SELinux is disabled or the container has no label.
Result<void> label_share(int share, std::string_view mount_label);

// Adds the fingerprints of the files in `share`; they are saved before the first byte is written.
void plan_delivery(DeliveryRecord& delivery, const Share& share);

// The files in `share` are in place, and nothing older is left.
void note_delivered(DeliveryRecord& delivery, const Share& share);

// Result: false if the record already says so, so that it is reported once.
bool note_failed(DeliveryRecord& delivery, const Error& error);

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

}  // namespace oci_oauth
