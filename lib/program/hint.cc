// SPDX-License-Identifier: Apache-2.0
#include "program/hint.h"

#include <unistd.h>

#include "base/environment.h"
#include "base/text.h"

namespace oci_oauth {

namespace {

const char* hint_of(ErrorKind kind) {
  switch (kind) {
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

}  // namespace

std::string with_sudo(std::string hint) {
  for (const std::string command : {"apt-get ", "chmod ", "chown ", "docker ", "mkdir ", "oci-oauth ", "rm ",
                                    "rmdir ", "systemctl ", "truncate "}) {
    if (hint.starts_with(command)) hint.insert(0, "sudo ");
    for (const std::string before : {"&& ", ": "})
      hint = with_value(std::move(hint), before + command, before + "sudo " + command);
  }
  return hint;
}

std::string as_typed(std::string hint) {
  return ::geteuid() != 0 || from_environment("SUDO_UID").empty() ? hint : with_sudo(std::move(hint));
}

std::string hint_of(const Error& error) {
  return error.hint.empty() ? hint_of(error.kind) : error.hint;
}

}  // namespace oci_oauth
