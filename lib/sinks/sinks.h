// SPDX-License-Identifier: Apache-2.0
// Delivers each new access token to the configured sinks, once per token and sink, however many processes
// refresh. runtime_dir/sinks/ records what each sink has; a sink that failed is tried again at the next call.
// A process that is killed between a delivery and its record delivers that token twice.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/record.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "sinks/onecli.h"
#include "token/runtime_dir.h"

namespace oci_oauth {

struct SinkRunner {
  const Config& config;
  const RuntimeDir& runtime;
  std::string onecli_sender;  // the path of oci-oauth-onecli
  Environment environment;
};

struct SinkOutcome {
  std::string sink;    // "exec /path/cmd", "onecli ID"
  Result<void> done;   // whether it has the token now
  std::string notice;  // what a person should know even after success
};

// Call it without the profile's lock, because containers wait for that, and a sink may take its whole time
// limit. Sinks run one after the other. Result: the sinks that were run or could not be; not those that
// already have the token, and none for a token that has expired or is just being replaced.
std::vector<SinkOutcome> run_sinks(const SinkRunner& runner, const Profile& profile);

// Removes the records of sinks that are not configured any more.
void forget_removed_sinks(const Config& config, const RuntimeDir& runtime);

// runtime_dir/sinks/KEY.json
struct SinkState {
  static constexpr int version = 1;

  std::string profile, sink;
  std::optional<Time> delivered_at;  // the last success
  unsigned failures = 0;             // since then
  std::string error, hint;           // of the last attempt; empty after a success
  std::optional<Time> failed_at;
  // What was last delivered, and where; empty: nothing yet.
  std::string token_hash = {}, destination = {};
};

void describe(auto& each, RecordOf<SinkState> auto& state) {
  each("profile", state.profile);
  each("sink", state.sink);
  each("delivered_at", state.delivered_at);
  each("failures", state.failures);
  each("error", state.error);
  each("hint", state.hint);
  each("failed_at", state.failed_at);
  each("token_hash", state.token_hash);
  each("destination", state.destination);
}

// Every sink that was run, by profile and name. Failure: the directory or a file in it cannot be read.
Result<std::vector<SinkState>> sink_states(const RuntimeDir& runtime);

}  // namespace oci_oauth
