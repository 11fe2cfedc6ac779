// SPDX-License-Identifier: Apache-2.0
#include "program/hint.h"

#include <unistd.h>

#include <algorithm>
#include <initializer_list>

#include "base/file.h"
#include "base/fmt.h"
#include "base/process.h"
#include "base/text.h"
#include "program/installed_programs.h"

namespace oci_oauth {

namespace {

// Debian's secure_path, sudoers(5).
constexpr std::string_view path_of_sudo = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string_view configuration;
std::string_view typed_words = "status";  // also if nobody typed the command

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

bool is_command(std::string_view word) {
  return is_one_of(word, {"apt-get", "chmod", "chown", "curl", "docker", "find", "journalctl", "kill",
                          "mkdir", "oci-oauth", "rm", "rmdir", "service", "systemctl", "truncate"});
}

bool is_before_command(std::string_view word) {
  return word.ends_with(':') || is_one_of(word, {"&&", "or", "then"});
}

// Removes the first word of a command, which may contain what shell_word() has quoted, and the space after
// it.
std::string_view next_word(std::string_view& text) {
  constexpr std::string_view escaped = R"('\'')";
  bool is_quoted = false;
  size_t end = 0;
  while (end < text.size() && (is_quoted || text[end] != ' ')) {
    if (is_quoted && text.substr(end).starts_with(escaped)) {
      end += escaped.size();
      continue;
    }
    // In prose, an apostrophe is inside a word.
    if (text[end] == '\'') is_quoted = !is_quoted && (end == 0 || text[end - 1] == '=');
    ++end;
  }
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

// "oci-oauth", if that is this installation's for a shell that searches these directories.
std::string own_command(std::string_view directories) {
  const auto programs = InstalledPrograms::find();
  const auto ours = programs ? real_path(programs->command()) : Result<std::string>(programs.error());
  if (!ours) return "oci-oauth";
  std::string found;
  while (found.empty() && !directories.empty()) {
    found = fmt::format("{}/oci-oauth", next_part(directories, ':'));
    if (::access(found.c_str(), X_OK) != 0) found.clear();
  }
  const auto theirs = real_path(found);
  return theirs && *theirs == *ours ? "oci-oauth" : shell_word(programs->command());
}

bool takes_configuration(std::string_view arguments) {
  const std::string_view verb = arguments.substr(0, arguments.find(' '));
  return !verb.starts_with('-') && !arguments.ends_with("--help") &&
         !is_one_of(verb, {"demo", "install", "setup", "uninstall"});
}

enum class Rights { users, roots, of_sudo };

Rights rights_of(HintReader reader) {
  if (reader == HintReader::of_log ? !is_host_root() : ::geteuid() != 0) return Rights::users;
  return reader == HintReader::of_log || !from_environment("SUDO_UID").empty() ? Rights::of_sudo
                                                                               : Rights::roots;
}

std::string command(std::string_view program, bool needs_root, std::string_view arguments, Rights rights) {
  const bool has_sudo = rights == Rights::of_sudo ||
                        (rights == Rights::users && (needs_root || is_one_of(program, {"apt-get", "chown"})));
  const std::string sudo = has_sudo ? "sudo " : "";
  // A user's units are the user's systemd's.
  if (program == "systemctl" && !has_sudo && rights == Rights::users && !arguments.starts_with("--user"))
    return "systemctl --user";
  if (program != "oci-oauth") return sudo + std::string(program);
  const bool is_reset = has_sudo && rights == Rights::users;
  std::string text = sudo + own_command(is_reset ? path_of_sudo : from_environment("PATH"));
  if (!configuration.empty() && takes_configuration(arguments))
    text += " --config " + shell_word(configuration);
  return text;
}

}  // namespace

std::string help_of_this_program() {
  const auto path = link_target("/proc/self/exe");
  return (path ? shell_word(*path) : "oci-oauth") + " --help";
}

void name_configuration(std::string_view path) {
  configuration = path;
}

void name_typed_words(std::string_view words) {
  typed_words = words;
}

std::string as_typed(std::string_view hint, HintReader reader) {
  const Rights rights = rights_of(reader);
  std::string text;
  bool begins = true, needs_root = false;
  while (!hint.empty()) {
    const std::string_view word = next_word(hint);
    // "sudo -u USER" is a command of its own.
    if (begins && word == "sudo" && !hint.starts_with('-')) {
      needs_root = true;
      continue;
    }
    if (word == "$0") {
      const Rights own = begins || needs_root ? rights : Rights::roots;
      text += command("oci-oauth", needs_root, typed_words, own).append(" ").append(typed_words);
    } else if (needs_root || (begins && is_command(word))) {
      text += command(word, needs_root, hint, rights);
    } else {
      text += word;
    }
    if (!hint.empty()) text += ' ';
    begins = is_before_command(word);
    needs_root = false;
  }
  return text;
}

std::string hint_of(const Error& error) {
  if (!error.hint.empty()) return error.hint;
  switch (error.kind) {
    case ErrorKind::usage:
      return "oci-oauth --help";
    case ErrorKind::configuration:
      return "man 5 oci-oauth-config";
    case ErrorKind::action_required:
      return "log in again with the program that owns this login";
    case ErrorKind::temporary:
      return "the next refresh tries again";
    case ErrorKind::failed:
    case ErrorKind::not_found:
      break;
  }
  return "oci-oauth doctor";
}

}  // namespace oci_oauth
