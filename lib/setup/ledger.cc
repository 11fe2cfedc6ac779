// SPDX-License-Identifier: Apache-2.0
#include "setup/ledger.h"

#include <algorithm>

namespace oci_oauth {

const LedgerFile* Ledger::find(std::string_view path) const {
  const auto found =
      std::find_if(files.begin(), files.end(), [&](const LedgerFile& file) { return file.path == path; });
  return found == files.end() ? nullptr : &*found;
}

LedgerFile* Ledger::find(std::string_view path) {
  return const_cast<LedgerFile*>(std::as_const(*this).find(path));
}

}  // namespace oci_oauth
