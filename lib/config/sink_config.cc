// SPDX-License-Identifier: Apache-2.0
#include "config/sink_config.h"

#include "base/fmt.h"
#include "base/json_object.h"
#include "config/config.h"

namespace oci_oauth {

namespace {

constexpr Milliseconds shortest_timeout = std::chrono::seconds(1), longest_timeout = std::chrono::minutes(10);

Result<void> read_secret_id(std::string_view text, std::string& target) {
  target = text;
  if (is_valid_name(text)) return {};
  return Error::configuration(fmt::format("'{}' is no secret id: letters, digits, '.', '_', '-'", text));
}

Result<void> read_url(std::string_view text, std::string& target) {
  target = text;
  if (!text.starts_with("https://") && !text.starts_with("http://")) {
    return Error::configuration(fmt::format("'{}' begins with neither https:// nor http://", text));
  }
  if (text.find_first_of("?#") == std::string_view::npos) return {};
  return Error::configuration(fmt::format("'{}' has a query or a fragment", text));
}

Result<OneCliSink> read_onecli(const JsonValue& value, const std::string& source, const std::string& place) {
  OneCliSink sink;
  JsonObject object(value, source, place);
  object.text("secret_id", [&](std::string_view text) { return read_secret_id(text, sink.secret_id); });
  object.text("url", [&](std::string_view text) { return read_url(text, sink.url); });
  object.path("api_key_file", sink.api_key_file);
  object.path("program", sink.program);
  object.path("env_file", sink.env_file);
  object.path("ca_file", sink.ca_file);
  if (!sink.url.empty() && !sink.program.empty()) object.fail("program", "stands beside \"url\": choose one");
  TRY(object.finish());
  return sink;
}

}  // namespace

Result<Sink> read_sink(const JsonValue& value, const std::string& source, const std::string& place) {
  Sink sink;
  sink.place = place;
  ExecSink exec;
  JsonObject object(value, source, place);
  object.strings("profiles", sink.profiles);
  object.duration("timeout", sink.timeout);
  if (sink.timeout < shortest_timeout || sink.timeout > longest_timeout) {
    object.fail("timeout", "is not between 1s and 10m");
  }
  const bool has_exec = json_member(value, "exec") != nullptr;
  object.strings("exec", exec.command);
  if (has_exec && (exec.command.empty() || !exec.command.front().starts_with('/'))) {
    object.fail("exec", "does not begin with an absolute path");
  }
  const JsonValue* onecli = object.take("onecli");
  TRY(object.finish());
  if (has_exec == (onecli != nullptr)) {
    return configuration_error(source, place, "is neither an \"onecli\" nor an \"exec\" sink");
  }
  if (has_exec) {
    sink.kind = std::move(exec);
    return sink;
  }
  sink.kind = TRY(read_onecli(*onecli, source, place + "/onecli"));
  return sink;
}

}  // namespace oci_oauth
