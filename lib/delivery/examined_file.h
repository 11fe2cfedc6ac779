// SPDX-License-Identifier: Apache-2.0
// A name in a directory whose owner may create and swap anything at any time. It is examined without
// following links or opening anything but a regular file, and replaced or removed only if it is still the
// same file.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"
#include "base/secret.h"
#include "token/records.h"

namespace oci_oauth {

// The suffix of a file that is being written.
inline constexpr std::string_view temporary_suffix = ".oci-oauth";

struct FileAccess {
  Owner owner = {0, 0};
  mode_t mode = 0;
};

struct ExaminedFile {
  bool exists = false;
  std::string foreign;     // why it is left alone, whatever it contains; empty: its text was read
  std::string unreadable;  // and why it could not be read
  FileStamp stamp;
  FileAccess access;
  Secret text;
  std::string mark;  // the fingerprint that we stored with it when we wrote it; empty: none
};

struct NameIn {
  int directory;
  const std::string& name;
};

// `login`: the credential document, which is never opened.
ExaminedFile examine_file(const NameIn& name, const FileStamp& login);

struct Replacement {
  const Secret& text;
  FileAccess access;
  std::string label;  // for SELinux; empty: the directory's default
  std::string mark;
};

// Replaces the examined file by `replacement`. Failure: temporary if it has changed since; the new file is
// then put back. `shown` names the directory in messages.
Result<void> replace_examined(const NameIn& name, const ExaminedFile& looked_at,
                              const Replacement& replacement, const std::string& shown);

// Removes the examined file. Failure: as replace_examined().
Result<void> remove_examined(const NameIn& name, const ExaminedFile& looked_at, const std::string& shown);

// The final name for the temporary name of a file that a writer or remover may have left behind when it was
// killed; empty if it is not one.
std::string name_of_temporary(const std::string& temporary);
// Renames a temporary file back to the final name if that is free. False if it is not.
bool restore(int directory, const std::string& temporary, const std::string& name);

}  // namespace oci_oauth
