// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "base/fmt.h"
#include "base/json_object.h"
#include "base/path.h"
#include "base/size.h"

namespace oci_oauth {

namespace {

constexpr size_t config_limit = MiB;
constexpr size_t name_limit = 64;
// The hook files' timeout is 15 s: a hook that waits longer is killed, and its container with it.
constexpr Milliseconds longest_hook_wait = std::chrono::seconds(12);

Result<void> read_mode(std::string_view text, mode_t& target) {
  mode_t mode = 0;
  const bool octal = !text.empty() && text.size() <= 4 &&
                     std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '7'; });
  for (const char digit : text) mode = mode * 8 + static_cast<mode_t>(digit - '0');
  if (!octal || mode > 0777 || (mode & 0400) == 0) {
    return Error::configuration(
        fmt::format("'{}' is not an octal mode between \"0400\" and \"0777\" that its owner can read", text));
  }
  target = mode;
  return {};
}

template <class Enum>
Result<void> read_choice(std::string_view text, std::pair<std::string_view, Enum> a,
                         std::pair<std::string_view, Enum> b, Enum& target) {
  if (text != a.first && text != b.first) {
    return Error::configuration(fmt::format("'{}' is neither \"{}\" nor \"{}\"", text, a.first, b.first));
  }
  target = text == a.first ? a.second : b.second;
  return {};
}

// A path, or an array of paths.
void read_targets(JsonObject& object, std::vector<std::string>& targets) {
  object.paths("target", targets);
  if (std::find(targets.begin(), targets.end(), "/") != targets.end())
    object.fail("target", "'/' is no directory of its own");
}

Result<Profile> read_profile(std::string_view name, const JsonValue& value, const std::string& source,
                             const std::string& pointer) {
  if (!is_valid_name(name)) {
    return configuration_error(source, pointer,
                               fmt::format("'{}' is no profile name: letters, digits, '.', '_', '-'", name));
  }
  Profile profile;
  profile.name = name;
  profile.provider = name;
  profile.targets = {"/run/secrets/" + profile.name};
  JsonObject object(value, source, pointer);
  object.text("provider", [&](std::string_view text) -> Result<void> {
    if (!is_valid_name(text)) return Error::configuration(fmt::format("'{}' is no provider name", text));
    profile.provider = text;
    return {};
  });
  object.require("credentials");
  object.path("credentials", profile.credentials);
  read_targets(object, profile.targets);
  object.text("deliver_to", [&](std::string_view text) {
    return read_choice<DeliverTo>(text, {"chosen", DeliverTo::chosen}, {"all", DeliverTo::all},
                                  profile.deliver_to);
  });
  bool trust = false;
  object.boolean("trust_annotations", trust);
  profile.annotations = trust ? Trust::yes : Trust::no;
  object.text("on_failure", [&](std::string_view text) {
    return read_choice<OnFailure>(text, {"start", OnFailure::start}, {"block", OnFailure::block},
                                  profile.on_failure);
  });
  object.text("hook_wait", [&](std::string_view text) -> Result<void> {
    auto duration = TRY(parse_duration(text));
    if (duration > longest_hook_wait) {
      return Error::configuration(
          fmt::format("'{}' is longer than 12s, and a hook is killed after 15 s", text));
    }
    profile.hook_wait = duration;
    return {};
  });
  object.duration("refresh_before", profile.refresh_before);
  object.text("mode", [&](std::string_view text) { return read_mode(text, profile.mode); });
  object.string("token_url", profile.token_url);
  object.path("ca_file", profile.ca_file);
  object.string("user_agent", profile.user_agent);
  object.string("proxy", profile.proxy);
  TRY(object.finish());
  profile.target = profile.targets.front();
  return profile;
}

struct PlacedTarget {
  const Profile* profile;
  const std::string* target;
};

// What is mounted at the outer of two nested targets would cover the inner one, or be written into it.
Result<void> check_apart(const Config& config, const PlacedTarget& a, const PlacedTarget& b) {
  const bool same = *a.target == *b.target;
  if (!same && !lies_within(*a.target, *b.target) && !lies_within(*b.target, *a.target)) return {};
  const bool own = a.profile == b.profile;
  const std::string place = "/profiles/" + a.profile->name + "/target";
  if (same && own)
    return configuration_error(config.path, place, fmt::format("'{}' is there twice", *a.target));
  if (same) {
    return configuration_error(
        config.path, place,
        fmt::format("'{}' is the target of profile '{}' too", *a.target, b.profile->name));
  }
  return configuration_error(config.path, place,
                             fmt::format("'{}' and the target '{}' of profile '{}' lie one within the other",
                                         *a.target, *b.target, b.profile->name));
}

Result<void> check_targets(const Config& config) {
  std::vector<PlacedTarget> placed;
  for (const Profile& profile : config.profiles) {
    for (const std::string& target : profile.targets) {
      const PlacedTarget one = {&profile, &target};
      for (const PlacedTarget& other : placed) {
        TRY(check_apart(config, one, other));
      }
      placed.push_back(one);
    }
  }
  return {};
}

Result<void> check_sinks(const Config& config) {
  for (const Sink& sink : config.sinks) {
    for (const std::string& profile : sink.profiles) {
      if (config.find(profile) != nullptr) continue;
      return configuration_error(config.path, sink.place + "/profiles",
                                 fmt::format("'{}' is no profile of this configuration", profile));
    }
  }
  return {};
}

}  // namespace

bool is_valid_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (name.empty() || name.size() > name_limit || !letter(name.front())) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || c == '.' || c == '_' || c == '-'; });
}

const Profile* Config::find(std::string_view profile) const {
  const auto found =
      std::find_if(profiles.begin(), profiles.end(), [&](const Profile& p) { return p.name == profile; });
  return found == profiles.end() ? nullptr : &*found;
}

Result<Config> parse_config(std::string_view text, std::string_view path) {
  auto json = TRY(parse_configuration(text, path));
  Config config;
  config.path = path;
  JsonObject object(json, config.path);
  object.path("runtime_dir", config.runtime_dir);
  object.path("runtime", config.runtime);
  object.path("metrics_file", config.metrics_file);
  if (config.metrics_file == "/") object.fail("metrics_file", "'/' is no file");
  object.members("profiles", [&](std::string_view name, const JsonValue& value, const std::string& pointer) {
    auto profile = read_profile(name, value, config.path, pointer);
    if (!profile) return Result<void>(std::move(profile).error());
    config.profiles.push_back(std::move(*profile));
    return Result<void>();
  });
  object.elements("sinks", [&](const JsonValue& value, const std::string& pointer) {
    auto sink = read_sink(value, config.path, pointer);
    if (!sink) return Result<void>(std::move(sink).error());
    config.sinks.push_back(std::move(*sink));
    return Result<void>();
  });
  TRY(object.finish());
  TRY(check_targets(config));
  TRY(check_sinks(config));
  return config;
}

bool could_block(const std::string& path, bool named) {
  const auto text = read_file({.path = path}, config_limit);
  if (text) return text->find("\"block\"") != std::string::npos;
  return named && text.error().kind != ErrorKind::not_found;
}

Result<Config> load_config(const std::string& path) {
  auto fd = open_file({.path = path}, O_RDONLY);
  if (!fd && fd.error().kind == ErrorKind::not_found) {
    return std::move(fd).error().with_hint("write one: man 5 oci-oauth-config has an example");
  }
  if (!fd) return Error::configuration(fd.error().message);
  struct stat status;
  if (::fstat(fd->get(), &status) != 0) return Error::from_errno(errno, path);
  const bool ours = status.st_uid == 0 || status.st_uid == ::geteuid();
  if (S_ISREG(status.st_mode) && (!ours || (status.st_mode & 022) != 0)) {
    return Error::configuration(
               fmt::format("{}: uid {} with mode {:04o} could have been changed by somebody else", path,
                           status.st_uid, status.st_mode & 07777))
        .with_hint(fmt::format("chown {} {} && chmod go-w {}", ::geteuid(), path, path));
  }
  auto text = read_file(fd->get(), config_limit, path);
  if (!text) {
    Error error = std::move(text).error();
    error.kind = ErrorKind::configuration;
    return error;
  }
  return parse_config(*text, path);
}

}  // namespace oci_oauth
