// SPDX-License-Identifier: Apache-2.0
// Files that decide what happens to a login, and the secret of a client: refused if others can change them
// or, for the secret, read them.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace oci_oauth {

enum class Owners {
  root_or_caller,
  or_unmapped  // also one that this user namespace does not know (user_namespaces(7)): root's is such a one
};

// Failure: as read_file; not_found; a file with another owner, or that others may write.
Result<std::string> read_trusted_file(const std::string& path, size_t limit, Owners owners);

// A file that belongs to root or to `owner`, that nobody else may read, and that no symbolic or second link
// leads to: with root's rights, such a link would read any file. Failure (configuration): "PATH: reason",
// never the content.
Result<Secret> read_private_file(const std::string& path, uid_t owner, size_t limit);
// Its first line.
Result<Secret> read_client_secret(const std::string& path, uid_t owner);

}  // namespace oci_oauth
