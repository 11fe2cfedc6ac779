// SPDX-License-Identifier: Apache-2.0
// The files of a profile's share directory that its provider delivers, and the states of a written delivery
// of them: planned, then delivered or failed. All other files are ignored.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "config/provider.h"
#include "delivery/container_record.h"

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

}  // namespace oci_oauth
