// SPDX-License-Identifier: Apache-2.0
// Puts the published files into a directory that belongs to a container, whose user may plant anything there.
// Guards against overwriting a person's login and against leaving that directory.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "token/published.h"

namespace oci_oauth {

// True where the JSON document, or text that is not JSON, holds a refresh token: a non-empty string under a
// key "refreshToken" or "refresh_token" at any depth.
bool holds_refresh_token(std::string_view document);

// Copies each file of `share` (open directory) into `target` (open directory), by rename, owned by `owner`,
// with `mode`. Result: the names written. Failure, with nothing written: a file of that name in `target` is
// the login
// (`login`: same device and inode, also through a symbolic link) or holds a refresh token; the hint tells to
// use another target. `shown` names the target in messages.
Result<std::vector<std::string>> deliver_files(int share, int target, const std::string& shown, Owner owner,
                                               mode_t mode, const FileStamp& login);

// Removes `names` from `target` unless one is the login, holds a refresh token, or is no regular file.
void remove_delivered(int target, const std::vector<std::string>& names, const FileStamp& login);

}  // namespace oci_oauth
