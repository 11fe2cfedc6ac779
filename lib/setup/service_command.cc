// SPDX-License-Identifier: Apache-2.0
#include "setup/service_command.h"

#include <map>
#include <string_view>

#include "base/fmt.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

constexpr std::string_view blanks = " \t\r";

using Strings = std::vector<std::string>;
using Environment = std::map<std::string, ServiceWord, std::less<>>;

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
  const Strings directories = unit_directories(host);
  Strings files;
  std::map<std::string, std::string> drop_ins;
  for (const std::string& directory : directories) {
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
    if (quote != 0 ? c == quote : c == '"' || c == '\'') {
      quote = quote == 0 ? c : '\0';
      if (!within) words.emplace_back();
      within = true;
    } else if (quote == 0 && (c == '\n' || blanks.find(c) != std::string_view::npos)) {
      within = false;
    } else {
      if (!within) words.emplace_back();
      within = true;
      words.back() += c;
    }
  }
  return words;
}

void set(Environment& environment, std::string_view assignment, const std::string& file) {
  const size_t equals = assignment.find('=');
  if (equals == std::string_view::npos) return;
  environment[std::string(trimmed(assignment.substr(0, equals)))] = {
      std::string(trimmed(assignment.substr(equals + 1))), file};
}

void read_environment_file(const Host& host, std::string_view name, Environment& environment) {
  if (name.starts_with('-')) name.remove_prefix(1);
  const std::string file(name);
  for (const std::string& line : lines_of(host.tree.text_of(file))) {
    // The quotes around a value are removed, and it stays one value.
    std::string plain = line;
    std::erase_if(plain, [](char c) { return c == '"' || c == '\''; });
    set(environment, plain, file);
  }
}

struct Service {
  ServiceWord command;
  Environment environment;
};

void apply_setting(const Host& host, std::string_view key, std::string_view value, const std::string& file,
                   Service& service) {
  if (key == "ExecStart") {
    if (value.empty() || service.command.text.empty()) service.command = {std::string(value), file};
  } else if (key == "EnvironmentFile") {
    read_environment_file(host, value, service.environment);
  } else if (key == "Environment") {
    for (const std::string& assignment : split(value)) set(service.environment, assignment, file);
  }
}

Service read_service(const Host& host, const std::string& unit) {
  Service service;
  for (const std::string& file : files_of(host, unit)) {
    bool is_service = false;
    for (const std::string& line : lines_of(host.tree.text_of(file))) {
      if (line.starts_with('[')) is_service = line == "[Service]";
      const size_t equals = line.find('=');
      if (!is_service || equals == std::string::npos) continue;
      const std::string_view view = line;
      apply_setting(host, trimmed(view.substr(0, equals)), trimmed(view.substr(equals + 1)), file, service);
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

std::vector<ServiceWord> service_command(const Host& host, const std::string& unit) {
  const Service service = read_service(host, unit);
  std::vector<ServiceWord> words;
  for (const std::string& word : split(service.command.text)) add_word(word, service, words);
  if (!words.empty()) words.front().text.erase(0, words.front().text.find_first_not_of("@-:+!|"));
  return words;
}

std::optional<std::string> option_value(const std::vector<ServiceWord>& words, size_t number,
                                        std::string_view option) {
  const std::string& word = words[number].text;
  if (word == option && number + 1 < words.size()) return words[number + 1].text;
  if (word.starts_with(option) && word.substr(option.size()).starts_with('='))
    return word.substr(option.size() + 1);
  return std::nullopt;
}

}  // namespace oci_oauth
