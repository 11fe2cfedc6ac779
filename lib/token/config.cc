// SPDX-License-Identifier: Apache-2.0
#include "token/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "base/json_object.h"
#include "base/path.h"
#include "base/size.h"

namespace oci_oauth {

namespace {

constexpr size_t config_limit = MiB;
constexpr size_t name_limit = 64;

Error bad(std::string message) {
  return {ErrorKind::configuration, std::move(message), ""};
}

Result<void> read_path(std::string_view text, std::string& target) {
  std::string normalised;
  if (!normalise_path(text, normalised)) {
    return bad(fmt::format("'{}' is not an absolute path without '..'", text));
  }
  target = std::move(normalised);
  return {};
}

Result<void> read_mode(std::string_view text, mode_t& target) {
  mode_t mode = 0;
  const bool octal = !text.empty() && text.size() <= 4 &&
                     std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '7'; });
  for (const char digit : text) mode = mode * 8 + static_cast<mode_t>(digit - '0');
  if (!octal || mode > 0777 || (mode & 0400) == 0) {
    return bad(
        fmt::format("'{}' is not an octal mode between \"0400\" and \"0777\" that its owner can read", text));
  }
  target = mode;
  return {};
}

Result<void> read_duration(std::string_view text, Milliseconds& target) {
  auto duration = parse_duration(text);
  if (!duration) return std::move(duration).error();
  target = *duration;
  return {};
}

template <class Enum>
Result<void> read_choice(std::string_view text, std::pair<std::string_view, Enum> a,
                         std::pair<std::string_view, Enum> b, Enum& target) {
  if (text != a.first && text != b.first) {
    return bad(fmt::format("'{}' is neither \"{}\" nor \"{}\"", text, a.first, b.first));
  }
  target = text == a.first ? a.second : b.second;
  return {};
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
  profile.target = "/run/secrets/" + profile.name;
  JsonObject object(value, source, pointer);
  object.text("provider", [&](std::string_view text) -> Result<void> {
    if (!is_valid_name(text)) return bad(fmt::format("'{}' is no provider name", text));
    profile.provider = text;
    return {};
  });
  object.require("credentials");
  object.text("credentials", [&](std::string_view text) { return read_path(text, profile.credentials); });
  object.text("target", [&](std::string_view text) -> Result<void> {
    if (auto path = read_path(text, profile.target); !path) return path;
    if (profile.target == "/") return bad("'/' is no directory of its own");
    return {};
  });
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
  object.text("hook_wait", [&](std::string_view text) { return read_duration(text, profile.hook_wait); });
  object.text("refresh_before",
              [&](std::string_view text) { return read_duration(text, profile.refresh_before); });
  object.text("mode", [&](std::string_view text) { return read_mode(text, profile.mode); });
  object.string("token_url", profile.token_url);
  object.text("ca_file", [&](std::string_view text) { return read_path(text, profile.ca_file); });
  object.string("user_agent", profile.user_agent);
  object.string("proxy", profile.proxy);
  if (auto done = object.finish(); !done) return std::move(done).error();
  return profile;
}

Result<Sink> read_sink(const JsonValue& value, const std::string& source, const std::string& pointer) {
  Sink sink;
  JsonObject object(value, source, pointer);
  object.strings("profiles", sink.profiles);
  object.strings("exec", sink.exec.command);
  const JsonValue* onecli = object.take("onecli");
  if (onecli != nullptr) {
    JsonObject settings(*onecli, source, pointer + "/onecli");
    settings.string("secret_id", sink.onecli.secret_id);
    settings.string("url", sink.onecli.url);
    settings.string("api_key_file", sink.onecli.api_key_file);
    settings.string("program", sink.onecli.program);
    if (auto done = settings.finish(); !done) return std::move(done).error();
  }
  if (auto done = object.finish(); !done) return std::move(done).error();
  const bool has_onecli = onecli != nullptr;
  if (has_onecli == !sink.exec.command.empty()) {
    return configuration_error(source, pointer, "is neither an \"onecli\" nor an \"exec\" sink");
  }
  if (!has_onecli && !sink.exec.command.front().starts_with('/')) {
    return configuration_error(source, pointer + "/exec", "does not begin with an absolute path");
  }
  return sink;
}

Result<void> check_targets(const Config& config) {
  for (auto a = config.profiles.begin(); a != config.profiles.end(); ++a) {
    for (auto b = config.profiles.begin(); b != a; ++b) {
      if (a->target != b->target) continue;
      return configuration_error(config.path, "/profiles/" + a->name + "/target",
                                 fmt::format("'{}' is the target of profile '{}' too", a->target, b->name));
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
  auto json = parse_configuration(text, path);
  if (!json) return std::move(json).error();
  Config config;
  config.path = path;
  JsonObject object(*json, config.path);
  object.text("runtime_dir", [&](std::string_view value) { return read_path(value, config.runtime_dir); });
  object.text("metrics_file", [&](std::string_view value) -> Result<void> {
    if (auto read = read_path(value, config.metrics_file); !read) return read;
    if (config.metrics_file == "/") return bad("'/' is no file");
    return {};
  });
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
  if (auto done = object.finish(); !done) return std::move(done).error();
  if (auto checked = check_targets(config); !checked) return std::move(checked).error();
  return config;
}

Result<Config> load_config(const std::string& path) {
  auto fd = open_file({.path = path}, O_RDONLY);
  if (!fd && fd.error().kind == ErrorKind::not_found) {
    return std::move(fd).error().with_hint("write one: man 5 oci-oauth-config has an example");
  }
  if (!fd) return bad(fd.error().message);
  struct stat status;
  if (::fstat(fd->get(), &status) != 0) return Error::from_errno(errno, path);
  const bool ours = status.st_uid == 0 || status.st_uid == ::geteuid();
  if (S_ISREG(status.st_mode) && (!ours || (status.st_mode & 022) != 0)) {
    return bad(fmt::format("{}: uid {} with mode {:04o} could have been changed by somebody else", path,
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
