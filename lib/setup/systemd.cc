// SPDX-License-Identifier: Apache-2.0
#include "setup/systemd.h"

#include <pwd.h>
#include <sys/stat.h>

#include <map>
#include "base/fmt.h"
#include "base/path.h"
#include "base/spawn.h"
#include "base/text.h"
#include "cli/engine_name.h"

namespace oci_oauth {

namespace {

constexpr auto systemctl_bound = std::chrono::seconds(90);  // systemd's own DefaultTimeoutStartSec

std::string unit_directory(const Host& host) {
  return fmt::format("{}/lib/systemd/{}", host.prefix, host.scope == Scope::system ? "system" : "user");
}

using Strings = std::vector<std::string>;

Strings unit_directories(const Host& host) {
  if (host.scope == Scope::system) {
    return {"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
            "/usr/lib/systemd/system", "/lib/systemd/system"};
  }
  return {host.config_home + "/systemd/user", "/etc/systemd/user", host.data_home + "/systemd/user",
          "/usr/local/lib/systemd/user", "/usr/lib/systemd/user"};
}

// The unit's own file, then its drop-ins by name: of two with the same name, the one in the first directory
// counts.
Strings files_of(const Host& host, const std::string& unit) {
  Strings files;
  std::map<std::string, std::string> drop_ins;
  for (const std::string& directory : unit_directories(host)) {
    const std::string path = fmt::format("{}/{}", directory, unit);
    if (files.empty() && host.tree.exists(path)) files.push_back(path);
    for (const std::string& name : host.tree.list(path + ".d")) {
      if (name.ends_with(".conf")) drop_ins.emplace(name, fmt::format("{}.d/{}", path, name));
    }
  }
  if (files.empty()) return files;
  for (auto& [name, path] : drop_ins) files.push_back(std::move(path));
  return files;
}

// Without comments, continued lines joined.
Strings lines_of(std::string_view text) {
  Strings lines;
  bool continues = false;
  while (!text.empty()) {
    std::string_view line = trimmed(next_line(text));
    if (line.starts_with('#') || line.starts_with(';')) continue;
    const bool joined = continues;
    continues = line.ends_with('\\');
    if (continues) line.remove_suffix(1);
    if (joined) {
      lines.back().append(" ").append(line);
    } else {
      lines.emplace_back(line);
    }
  }
  return lines;
}

// Words with quotes, as in systemd and a shell.
Strings split(std::string_view text) {
  Strings words;
  char quote = 0;
  bool within = false;
  for (const char c : text) {
    const bool is_blank = quote == 0 && (c == ' ' || c == '\t' || c == '\r' || c == '\n');
    if (!is_blank && !within) words.emplace_back();
    within = !is_blank;
    if (is_blank) continue;
    if (quote == 0 ? c == '"' || c == '\'' : c == quote) {
      quote = quote == 0 ? c : '\0';
    } else {
      words.back() += c;
    }
  }
  return words;
}

struct Service {
  ServiceWord command;
  std::map<std::string, ServiceWord, std::less<>> environment;

  void set_variable(std::string_view assignment, const std::string& file) {
    const size_t equals = assignment.find('=');
    if (equals == std::string_view::npos) return;
    environment[std::string(trimmed(assignment.substr(0, equals)))] = {
        std::string(trimmed(assignment.substr(equals + 1))), file};
  }
};

void apply_setting(const Host& host, std::string_view key, std::string_view value, const std::string& file,
                   Service& service) {
  if (key == "ExecStart") {
    if (value.empty() || service.command.text.empty()) service.command = {std::string(value), file};
  } else if (key == "Environment") {
    for (const std::string& assignment : split(value)) service.set_variable(assignment, file);
  } else if (key == "EnvironmentFile") {
    const std::string path(value.substr(value.starts_with('-') ? 1 : 0));
    for (std::string& line : lines_of(host.tree.text_of(path))) {
      // The quotes around a value are removed, and it stays one value.
      std::erase_if(line, [](char c) { return c == '"' || c == '\''; });
      service.set_variable(line, path);
    }
  }
}

Service read_service(const Host& host, const std::string& unit) {
  Service service;
  for (const std::string& file : files_of(host, unit)) {
    bool is_service = false;
    for (const std::string& line : lines_of(host.tree.text_of(file))) {
      if (line.starts_with('[')) is_service = line == "[Service]";
      if (!is_service || line.find('=') == std::string::npos) continue;
      std::string_view value = line;
      const std::string_view key = trimmed(next_part(value, '='));
      apply_setting(host, key, trimmed(value), file, service);
    }
  }
  return service;
}

// "$NAME" as a separate word becomes as many words as its value has; "${NAME}" is replaced in place.
void add_word(const std::string& word, const Service& service, std::vector<ServiceWord>& words) {
  if (word.starts_with('$') && !word.starts_with("${")) {
    const auto value = service.environment.find(word.substr(1));
    if (value == service.environment.end()) return;
    for (std::string& part : split(value->second.text))
      words.push_back({std::move(part), value->second.file});
    return;
  }
  ServiceWord result = {word, service.command.file};
  for (const auto& [name, value] : service.environment) {
    const std::string reference = fmt::format("${{{}}}", name);
    const size_t at = result.text.find(reference);
    if (at == std::string::npos) continue;
    result = {result.text.replace(at, reference.size(), value.text), value.file};
  }
  words.push_back(std::move(result));
}

}  // namespace

std::vector<std::string> systemctl_command(Scope scope, const std::vector<std::string>& words) {
  std::vector<std::string> command = {"systemctl"};
  if (scope == Scope::user) command.emplace_back("--user");
  command.insert(command.end(), words.begin(), words.end());
  return command;
}

bool has_systemd(const Host& host) {
  if (!host.tree.is_host() || !host.tree.exists("/run/systemd/system")) return false;
  return host.scope == Scope::system || host.tree.exists(parent_directory(host.runtime_dir) + "/systemd");
}

bool lingers(uid_t uid) {
  const passwd* user = ::getpwuid(uid);
  struct stat status;
  if (user == nullptr || ::stat("/var/lib/systemd", &status) != 0) return true;
  return ::stat(fmt::format("/var/lib/systemd/linger/{}", user->pw_name).c_str(), &status) == 0;
}

std::vector<std::string> installable_units(const Host& host, std::string_view engine) {
  std::vector<std::string> units;
  for (std::string& name : host.tree.list(unit_directory(host))) {
    if (!name.starts_with("oci-oauth-")) continue;
    if (name.starts_with("oci-oauth-proxy") && engine != engine_name::proxy) continue;
    const std::string text = host.tree.text_of(fmt::format("{}/{}", unit_directory(host), name));
    if (text.find("\n[Install]\n") != std::string::npos) units.push_back(std::move(name));
  }
  return units;
}

Result<std::vector<std::string>> disabled_units(const Host& host, std::string_view engine) {
  std::vector<std::string> disabled;
  for (const std::string& unit : installable_units(host, engine)) {
    const auto output =
        TRY(run_command(systemctl_command(host.scope, {"is-enabled", unit}), systemctl_bound));
    if (output.status != 0) disabled.push_back(unit);
  }
  return disabled;
}

Result<void> run_systemctl(const Host& host, const std::vector<std::string>& words,
                           const std::vector<std::string>& units) {
  std::vector<std::string> command = systemctl_command(host.scope, words);
  command.insert(command.end(), units.begin(), units.end());
  const auto output = TRY(run_command(command, systemctl_bound));
  if (output.status == 0) return {};
  const std::string unit = units.empty() ? "oci-oauth-refresh.service" : units.front();
  return Error{ErrorKind::failed,
               fmt::format("systemctl {}: {}", fmt::join(words, " "), first_line(output.err)),
               fmt::format("{}", fmt::join(systemctl_command(host.scope, {"status", unit}), " "))};
}

std::vector<ServiceWord> service_command(const Host& host, const std::string& unit) {
  const Service service = read_service(host, unit);
  std::vector<ServiceWord> words;
  for (const std::string& word : split(service.command.text)) add_word(word, service, words);
  if (!words.empty()) words.front().text.erase(0, words.front().text.find_first_not_of("@-:+!|"));
  return words;
}

std::vector<ServiceOption> options_in(const std::vector<ServiceWord>& words,
                                      std::span<const OptionSpelling> spellings) {
  std::vector<ServiceOption> options;
  for (size_t i = 1; i < words.size(); ++i) {
    const auto& [text, file] = words[i];
    for (const auto& [spelling, name] : spellings) {
      if (text == spelling && i + 1 < words.size())
        options.push_back({std::string(name), words[i + 1].text, file});
      if (text.starts_with(fmt::format("{}=", spelling)))
        options.push_back({std::string(name), text.substr(spelling.size() + 1), file});
    }
  }
  return options;
}

}  // namespace oci_oauth
