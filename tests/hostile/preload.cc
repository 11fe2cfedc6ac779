// SPDX-License-Identifier: Apache-2.0
// A library for LD_PRELOAD that leaves a mark in each process that loads it: the directory that
// $PRELOADED_INTO names.
#include <sys/stat.h>

#include <cstdlib>

namespace {

struct Mark {
  Mark() {
    if (const char* const path = std::getenv("PRELOADED_INTO")) (void)::mkdir(path, 0755);
  }
};
const Mark mark;

}  // namespace
