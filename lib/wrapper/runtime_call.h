// SPDX-License-Identifier: Apache-2.0
// What an engine asks of an OCI runtime, as far as a wrapper must understand it: the command lines of runc
// and crun (runc(8), crun(1)). Unknown words are left to the runtime.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace oci_oauth {

struct RuntimeCall {
  std::string verb;          // "create", "run", "exec", …; empty if there is none
  std::string container;     // the first operand of the verb
  std::string bundle = ".";  // create, run, restore
  std::string config;        // crun's --config, which replaces the bundle's config.json; empty if absent
  std::string process;       // exec: the file with the process; empty if absent
  std::string log;           // where the runtime writes messages for the engine; empty if absent
  bool log_is_json = false;

  bool creates() const { return verb == "create" || verb == "run" || verb == "restore"; }
  // The file that tells the runtime what to create.
  std::string spec_path() const { return config.empty() ? bundle + "/config.json" : config; }
};

// `words` are the runtime's arguments without its own name. Options are read as in both runtimes: "--bundle
// D", "--bundle=D", "-bundle D", "-b D", "-b=D", "-bD", "-dbD", "--bun D", before or after the operand; the
// last one counts, and "--" ends them.
RuntimeCall parse_runtime_call(const std::vector<std::string_view>& words);

}  // namespace oci_oauth
