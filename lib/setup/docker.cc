// SPDX-License-Identifier: Apache-2.0
// Docker: the wrapper as a runtime in daemon.json, dockerd(8).
#include <fmt/format.h>

#include "base/json.h"
#include "setup/plan.h"

namespace oci_oauth {

namespace {

constexpr const char* daemon_json = "/etc/docker/daemon.json";
constexpr std::string_view runtime_name = "oci-oauth";
constexpr JsonField fields[] = {{"runtimes", JsonType::object}, {"default-runtime", JsonType::string}};

std::string quoted(std::string_view text) {
  JsonDocument json;
  return std::string(write_json(json_copy(json, text)).reveal());
}

// A runtime's program as Docker would find it: an absolute path, or a name among the usual places.
std::string program_path(const Tree& tree, std::string_view program) {
  return program.find('/') == std::string_view::npos ? tree.find_program(program) : std::string(program);
}

// What the wrapper must run so that containers still have the runtime that was the default before.
Result<std::string> real_runtime(const Tree& tree, const JsonValue& json, std::string_view name) {
  if (name.empty() || name == "runc") return std::string();
  const std::string source = tree.shown(daemon_json);
  const JsonValue* runtimes = json_member(json, "runtimes");
  const JsonValue* entry = runtimes == nullptr ? nullptr : json_member(*runtimes, name);
  const auto program = entry == nullptr ? std::nullopt : json_string(*entry, "path");
  const std::string path = program ? program_path(tree, *program) : "";
  if (!path.starts_with('/')) {
    return Error{
        ErrorKind::failed,
        fmt::format("{}: default-runtime '{}' is no program that the wrapper could run", source, name),
        "oci-oauth install docker, without --default, and docker run --runtime oci-oauth"};
  }
  const JsonValue* args = json_member(*entry, "runtimeArgs");
  if (args != nullptr && args->IsArray() && args->Size() > 0) {
    return Error{ErrorKind::failed,
                 fmt::format("{}: default-runtime '{}' has runtimeArgs, which the wrapper does not pass on",
                             source, name),
                 fmt::format("put a script that adds them in the place of {}", path)};
  }
  return path;
}

}  // namespace

Result<Plan> plan_docker(const Site& site, const Ledger& ledger, Default as_default) {
  const std::string source = site.tree.shown(daemon_json);
  auto base = read_without_ours(site.tree, ledger, daemon_json);
  if (!base) return std::move(base).error();
  const auto json = parse_json(json_of(*base), source, JsonComments::allowed);
  if (!json) return json.error();
  if (auto checked = check_types(*json, source, fields); !checked) return std::move(checked).error();
  auto current = site.tree.read(daemon_json);
  if (!current) return std::move(current).error();
  const auto now = parse_json(json_of(*current), source, JsonComments::allowed);
  if (!now) return now.error();

  Plan plan;
  WantedFile file = {.path = daemon_json, .share = Share::json_members};
  file.members.push_back(
      {{"runtimes", std::string(runtime_name)}, fmt::format(R"({{"path": {}}})", quoted(site.wrapper()))});
  const bool is_default = json_string(*now, "default-runtime") == runtime_name;
  if (as_default == Default::ours || is_default) {
    auto real = real_runtime(site.tree, *json, json_string(*json, "default-runtime").value_or(""));
    if (!real) return std::move(real).error();
    plan.real_runtime = std::move(*real);
    file.members.push_back({{"default-runtime"}, quoted(runtime_name)});
  }
  plan.files.push_back(std::move(file));
  return plan;
}

}  // namespace oci_oauth
