// SPDX-License-Identifier: Apache-2.0
// A name in a directory whose owner may plant and swap anything meanwhile: looked at without following a link
// or opening anything but a regular file, replaced and removed only while it is what was looked at.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/secret.h"
#include "token/published.h"

namespace oci_oauth {

// What ends the name of a file that is being written.
inline constexpr std::string_view temporary_suffix = ".oci-oauth";

// What a written file is for the container.
struct FileAccess {
  Owner owner;
  mode_t mode = 0;
  std::string label;  // for SELinux; empty: what the directory gives it
};

struct PlantedFile {
  bool exists = false;
  std::string foreign;     // why it is left alone, whatever it holds; empty: its text was read
  std::string unreadable;  // and why that could not be read
  FileStamp stamp;
  Owner owner = {0, 0};
  mode_t mode = 0;
  Secret text;
  std::string mark;  // the fingerprint that we gave it when we wrote it; empty: none
};

struct PlantedName {
  int directory;
  const std::string& name;
};

// `login`: the credential document, which is never looked into.
PlantedFile look_at(const PlantedName& name, const FileStamp& login);

struct Replacement {
  const Secret& text;
  const FileAccess& access;
  std::string mark;
};

// Puts `replacement` in the place of what was looked at. Failure: temporary where that has changed since;
// what came instead is there again. `shown` names the directory in messages.
Result<void> replace_planted(const PlantedName& name, const PlantedFile& looked_at,
                             const Replacement& replacement, const std::string& shown);

// Removes what was looked at. Failure: as replace_planted().
Result<void> remove_planted(const PlantedName& name, const PlantedFile& looked_at, const std::string& shown);

// The temporary names of `names` that a writer or remover of them that was killed has left.
std::vector<std::string> temporary_names(int directory, const std::vector<std::string>& names);
// The name that a temporary name is of; empty where it is not one.
std::string name_of_temporary(const std::string& temporary);
// Gives a temporary file the final name again, where nothing has it. False where something has.
bool restore(int directory, const std::string& temporary, const std::string& name);

}  // namespace oci_oauth
