// SPDX-License-Identifier: Apache-2.0
#include "sinks/sinks.h"

#include <unistd.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "base/file.h"
#include "base/file_lock.h"
#include "base/fingerprint.h"
#include "base/fmt.h"
#include "sinks/program.h"

namespace oci_oauth {

namespace {

using std::chrono::steady_clock;

constexpr size_t state_limit = 64 * KiB;
constexpr auto longest_refresh = std::chrono::seconds(60);
constexpr auto beyond_timeout =
    std::chrono::seconds(10);  // what a run may take in addition to its sink's time limit
constexpr std::string_view state_suffix = ".json", lock_suffix = ".lock";

std::string name_of(const Sink& sink) {
  if (!sink.onecli) return "exec " + sink.exec.front();
  return sink.onecli->secret_id.empty() ? "onecli" : "onecli " + sink.onecli->secret_id;
}

// A file name that is stable as long as the sink's settings are, except for its time limit.
std::string key_of(const Sink& sink, const std::string& profile) {
  std::vector<std::string> parts = {profile};
  parts.insert(parts.end(), sink.exec.begin(), sink.exec.end());
  if (const auto& onecli = sink.onecli)
    parts.insert(parts.end(), {"", onecli->secret_id, onecli->url, onecli->program, onecli->env_file});
  const std::string_view separator("\0", 1);  // which no part can contain
  return fmt::format("{:016x}", fnv1a(fmt::format("{}", fmt::join(parts, separator))));
}

bool is_for(const Sink& sink, const std::string& profile) {
  return sink.profiles.empty() || std::ranges::find(sink.profiles, profile) != sink.profiles.end();
}

// runtime_dir/sinks/
struct StateDirectory {
  UniqueFd fd;
  std::string path;

  static Result<StateDirectory> open(const RuntimeDir& runtime) {
    return StateDirectory{TRY(runtime.sinks()), runtime.path() + "/sinks"};
  }

  FileAt file(const std::string& name) const { return {fd.get(), name, fmt::format("{}/{}", path, name)}; }

  Result<SinkState> read(const std::string& name) const {
    auto text = read_file(file(name), state_limit, Links::refused);
    if (!text && text.error().kind == ErrorKind::not_found) return SinkState();
    if (!text) return std::move(text).error();
    return read_record<SinkState>(*text, file(name).shown);
  }

  Result<std::vector<std::string>> names() const {
    auto names = TRY(names_in({fd.get(), ".", path}));
    std::erase_if(names, [](const std::string& name) { return name.starts_with('.'); });
    return names;
  }
};

// One sink of one profile.
class SinkRun {
 public:
  SinkRun(const SinkRunner& runner, const Sink& sink, const Profile& profile, const StateDirectory& directory)
      : runner_(runner),
        sink_(sink),
        profile_(profile),
        directory_(directory),
        key_(key_of(sink, profile.name)) {}

  // Result: nullopt if the sink already has the token, or there is none.
  Result<std::optional<SinkOutcome>> run() {
    if (sink_.onecli) onecli_.emplace(resolve_onecli(*sink_.onecli, sink_.place, runner_.environment));
    if (!TRY(is_wanted())) return std::optional<SinkOutcome>();
    auto lock = TRY(FileLock::acquire(directory_.file(key_ + std::string(lock_suffix)), LockMode::exclusive,
                                      steady_clock::now() + sink_.timeout + beyond_timeout));
    // Another process may have delivered it in the meantime, or there is a newer one.
    if (!TRY(is_wanted())) return std::optional<SinkOutcome>();
    SinkOutcome outcome = {name_of(sink_), deliver(), notice()};
    TRY(note(outcome.done));
    return std::optional(std::move(outcome));
  }

 private:
  // Reads token and state. Result: whether the sink lacks the token; false if there is none, or it has
  // expired.
  Result<bool> is_wanted() {
    if (!TRY(read_token())) return false;
    auto state = directory_.read(state_name());
    // An unreadable state is replaced; at worst, a token arrives twice.
    state_ = state ? std::move(*state) : SinkState();
    // Without the settings, it is unknown whether they lead elsewhere.
    const auto where = destination();
    return state_.token_hash != published_.access_token_hash || (where && state_.destination != *where);
  }

  // Together with what is published of it, because a refresh holds the profile's lock while it replaces them.
  Result<bool> read_token() {
    const auto lock = TRY(FileLock::acquire(runner_.runtime.lock_file(profile_.name), LockMode::shared,
                                            steady_clock::now() + longest_refresh));
    auto published = TRY(runner_.runtime.published(profile_.name));
    if (!published || published->expires_at <= now()) return false;
    published_ = std::move(*published);
    token_ = TRY(runner_.runtime.token(profile_.name));
    return true;
  }

  std::string state_name() const { return key_ + std::string(state_suffix); }

  // env_file and the environment may name another secret or server later. nullopt: they name none.
  std::optional<std::string> destination() const {
    if (!onecli_) return "";
    if (!*onecli_) return std::nullopt;
    const OneCliRequest& onecli = **onecli_;
    return fmt::format("{} at {}{}", onecli.secret_id, onecli.url, onecli.program);
  }

  Result<void> deliver() {
    if (!onecli_)
      return run_program({.command = sink_.exec,
                          .environment = {"OCI_OAUTH_PROFILE=" + profile_.name,
                                          "OCI_OAUTH_EXPIRES_AT=" + rfc3339(published_.expires_at)},
                          .timeout = sink_.timeout},
                         token_);
    if (!*onecli_) return onecli_->error();
    OneCliRequest& request = **onecli_;
    // Without a login, root sends it.
    request.credentials = profile_.credentials.empty() ? "/" : profile_.credentials;
    request.timeout = sink_.timeout;
    request.token = std::move(token_);
    return update_secret(request, runner_.onecli_sender);
  }

  Result<void> note(const Result<void>& done) {
    state_.profile = profile_.name;
    state_.sink = name_of(sink_);
    state_.error = done ? "" : done.error().message;
    state_.hint = done ? "" : done.error().hint;
    state_.failures = done ? 0 : state_.failures + 1;
    (done ? state_.delivered_at : state_.failed_at) = now();
    if (done) {
      state_.failed_at.reset();
      state_.token_hash = published_.access_token_hash;
      state_.destination = destination().value_or("");
    }
    return replace_file(directory_.fd.get(), state_name(), directory_.path, write_record(state_).reveal());
  }

  std::string notice() const {
    const bool is_by_program = onecli_ && *onecli_ && !(*onecli_)->program.empty();
    const bool is_first = !state_.delivered_at && state_.failures == 0;
    if (!is_by_program || !is_first) return "";
    return fmt::format(
        "{} takes the token as an argument, which every user on this host can see while it runs; "
        "set \"url\" to send it over HTTP",
        (*onecli_)->program);
  }

  const SinkRunner& runner_;
  const Sink& sink_;
  const Profile& profile_;
  const StateDirectory& directory_;
  const std::string key_;
  std::optional<Result<OneCliRequest>> onecli_;  // of a OneCLI sink
  Published published_;
  Secret token_;
  SinkState state_;
};

}  // namespace

std::vector<SinkOutcome> run_sinks(const SinkRunner& runner, const Profile& profile) {
  std::vector<SinkOutcome> outcomes;
  for (const Sink& sink : runner.config.sinks) {
    if (!is_for(sink, profile.name)) continue;
    auto directory = StateDirectory::open(runner.runtime);
    auto outcome = directory ? SinkRun(runner, sink, profile, *directory).run()
                             : Result<std::optional<SinkOutcome>>(directory.error());
    if (!outcome) {
      outcomes.push_back({name_of(sink), std::move(outcome).error(), ""});
    } else if (*outcome) {
      outcomes.push_back(std::move(**outcome));
    }
  }
  return outcomes;
}

void forget_removed_sinks(const Config& config, const RuntimeDir& runtime) {
  std::set<std::string> kept;
  for (const Sink& sink : config.sinks) {
    for (const Profile& profile : config.profiles) {
      if (is_for(sink, profile.name)) kept.insert(key_of(sink, profile.name));
    }
  }
  const auto directory = StateDirectory::open(runtime);
  const auto names = directory ? directory->names() : std::vector<std::string>();
  if (!names) return;
  for (const std::string& name : *names) {
    if (!kept.contains(name.substr(0, name.find('.')))) ::unlinkat(directory->fd.get(), name.c_str(), 0);
  }
}

Result<std::vector<SinkState>> sink_states(const RuntimeDir& runtime) {
  const auto directory = TRY(StateDirectory::open(runtime));
  std::vector<SinkState> states;
  for (const std::string& name : TRY(directory.names())) {
    if (name.ends_with(state_suffix)) states.push_back(TRY(directory.read(name)));
  }
  std::ranges::sort(states, {}, [](const SinkState& state) { return std::tie(state.profile, state.sink); });
  return states;
}

}  // namespace oci_oauth
