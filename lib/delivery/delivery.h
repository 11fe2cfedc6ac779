// SPDX-License-Identifier: Apache-2.0
// Puts the published files into a directory that belongs to a container, whose user may plant anything there.
// Guards against overwriting a person's login and against leaving that directory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"
#include "token/published.h"

namespace oci_oauth {

// True where the JSON document, or text that is not JSON, holds a refresh token: a non-empty string under a
// key "refreshToken" or "refresh_token" at any depth.
bool holds_refresh_token(std::string_view document);
bool holds_refresh_token(const JsonValue& value);

// What a written file is for the container.
struct FileAccess {
  Owner owner;
  mode_t mode = 0;
  std::string label;  // for SELinux; empty: what the directory gives it
};

// What a profile's share directory holds, read once for all the directories that it is written into.
struct ShareContent {
  std::uint64_t device = 0, inode = 0;  // of the directory
  std::vector<std::pair<std::string, Secret>> files;
};
Result<ShareContent> read_share(int share);

// Writes each file of `share` into `target` (open directory), by rename. Result: the names
// written. Failure, with nothing written: a file of that name in `target` is the login (`login`: same device
// and inode, also through a symbolic link), holds a refresh token, or is no file; the hint tells to use
// another target. A login that comes while we write is put back likewise. `shown` names the target in
// messages.
Result<std::vector<std::string>> deliver_files(const ShareContent& share, int target,
                                               const std::string& shown, const FileAccess& access,
                                               const FileStamp& login);

// Whether users of the host other than the owner can reach what is in `directory`: it and all that lead to it
// can be searched by others.
bool is_open_to_others(int directory);

// Gives the share directory and its files the label that every container of `mount_label`'s type may read.
// New files inherit it from the directory. Nothing happens where SELinux is off or the container has no
// label.
Result<void> label_share(int share, std::string_view mount_label);

// Removes `names` from `target` unless one is the login, holds a refresh token, or is no regular file; and
// what a writer of them that was killed has left.
void remove_delivered(int target, const std::vector<std::string>& names, const FileStamp& login);

}  // namespace oci_oauth
