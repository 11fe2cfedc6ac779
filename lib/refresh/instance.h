// SPDX-License-Identifier: Apache-2.0
// What a command works with: the programs that are installed, a configuration and its runtime directory.
#pragma once

#include <string>

#include "config/config.h"
#include "program/installed_programs.h"
#include "refresh/refresher.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

struct Instance {
  InstalledPrograms programs;
  Config config;
  RuntimeDir runtime;

  // `config`: as open_configuration() takes it. Failure: one of the three cannot be opened.
  static Result<Instance> open(const std::string& config);

  // Its exchanges are child processes, or are requested on `exchange_socket`. The instance must outlive it.
  Refresher refresher(const std::string& exchange_socket = "") const;
};

}  // namespace oci_oauth
