// SPDX-License-Identifier: Apache-2.0
#include "program/hint.h"

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

std::string hint_of(const Error& error) {
  return error.hint.empty() ? hint_of(error.kind) : error.hint;
}

}  // namespace oci_oauth
