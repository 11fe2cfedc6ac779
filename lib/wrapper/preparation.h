// SPDX-License-Identifier: Apache-2.0
// What the wrapper does before it executes the real runtime: adds our hooks and environment to a chosen
// container's bundle, and chooses that runtime.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "program/log.h"
#include "wrapper/runtime_call.h"

namespace oci_oauth {

// Prepares the bundle of a container that `call` creates, unless nobody chose it, or the process of an exec
// in a container that was given a token, because engines build that process from their own records, not from
// the bundle. Problems are logged. Result: the runtime that the configuration names; empty if it names none,
// or cannot be used. Failure: a container is to be created and a profile with on_failure "block" may be
// affected; a configuration or a bundle that cannot be read affects every profile. Or this program's own
// place cannot be determined.
Result<std::string> prepare_call(const RuntimeCall& call, const Log& log);

// Failure: "PATH: reason" if it is not a program, or is the running program itself, which would execute
// itself for ever.
Result<void> check_runtime(const std::string& path);

// Result: `configured`, if it is a program, or else the first program named runc in `directories`, or else
// the first named crun. Why `configured` is not used is logged. Failure: names the searched directories.
Result<std::string> choose_runtime(const std::string& configured, const std::vector<std::string>& directories,
                                   const Log& log);

}  // namespace oci_oauth
