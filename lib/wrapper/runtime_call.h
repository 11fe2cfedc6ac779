// SPDX-License-Identifier: Apache-2.0
// What an engine asks of an OCI runtime, as far as a wrapper must understand it: the command lines of runc
// and crun (runc(8), crun(1)), the files that they name, and the log that the engine reads.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/time.h"

namespace oci_oauth {

struct RuntimeCall {
  std::string verb;          // "create", "run", "exec", …; empty if there is none
  std::string container;     // the first operand of the verb
  std::string bundle = ".";  // create, run, restore
  std::string config;        // crun's --config, which replaces the bundle's config.json; empty if absent
  std::string process;       // exec: the file with the process; empty if absent
  std::string log;           // where the runtime writes messages for the engine; empty if absent
  std::string log_format;    // "json", or else text

  bool creates() const { return verb == "create" || verb == "run" || verb == "restore"; }
  // The file that tells the runtime what to create.
  std::string spec_path() const { return config.empty() ? bundle + "/config.json" : config; }
};

// `words` are the runtime's arguments without its own name. Options are read as in both runtimes: "--bundle
// D", "--bundle=D", "-bundle D", "-b D", "-b=D", "-bD", "-dbD", "--bun D", before or after the operand; the
// last one counts, and "--" ends them. Unknown words are left to the runtime.
RuntimeCall parse_runtime_call(const std::vector<std::string_view>& words);

// A file that an engine wrote for its runtime (a bundle's config.json, an exec's process): read whole, and
// replaced whole before the runtime reads it.
class RuntimeFile {
 public:
  // Failure: "PATH: reason" for a symbolic link, which could lead to a file outside any bundle, for any other
  // file that is not regular, and for more than 16 MiB.
  static Result<RuntimeFile> open(const std::string& path);

  const std::string& path() const { return path_; }
  const std::string& text() const { return text_; }

  // By rename(2) in the same directory; mode and owner stay. Failure: the old content stays.
  Result<void> replace(std::string_view text) const;

 private:
  std::string path_, text_;
  UniqueFd directory_;
  mode_t mode_ = 0;
  Owner owner_ = {};
};

// One line for the engine, as runc and crun write an error in the format of `call`, with its newline.
std::string engine_log_line(const RuntimeCall& call, std::string_view message, Time time);

// Adds that line to the file of --log; does nothing for a call without it, or if the file cannot be written.
void write_engine_log(const RuntimeCall& call, std::string_view message);

}  // namespace oci_oauth
