// SPDX-License-Identifier: Apache-2.0
#include "program/standard_options.h"

#include <unistd.h>

#include "base/file.h"
#include "base/fmt.h"
#include "program/hint.h"

namespace oci_oauth {

namespace {

Error misuse(std::string message) {
  return {ErrorKind::usage, std::move(message), help_of_this_program()};
}

Error unknown(std::string_view word) {
  return misuse(fmt::format("unknown {} '{}'", word.starts_with('-') ? "option" : "argument", word));
}

}  // namespace

std::string_view version() {
  return OCI_OAUTH_VERSION;
}

std::optional<int> answer_standard_options(int argc, char** argv, std::string_view program,
                                           std::string_view help) {
  const std::string_view only = argc == 2 ? argv[1] : "";
  std::string answer;
  if (only == "--version") {
    answer = fmt::format("{} {}\n", program, version());
  } else if (only == "--help" || only == "-h") {
    answer = help;
  } else {
    return std::nullopt;
  }
  return write_all(STDOUT_FILENO, answer, "stdout") ? 0 : 1;
}

Result<void> check_operands(int argc, char** argv, int count) {
  for (int i = 1; i < argc; ++i) {
    if (i > count || argv[i][0] == '-') return unknown(argv[i]);
  }
  if (argc == count + 1) return {};
  return misuse(fmt::format("needs {} argument{}", count, count == 1 ? "" : "s"));
}

Result<void> check_request_is_piped(int argc, char** argv) {
  TRY(check_operands(argc, argv, 0));
  return ::isatty(STDIN_FILENO) == 1 ? misuse("stdin is a terminal, and not a request of oci-oauth")
                                     : Result<void>();
}

Result<std::string> read_config_option(const std::vector<std::string_view>& words) {
  if (words.empty()) return std::string();
  const std::string_view name = words.front().substr(0, words.front().find('='));
  if (name != "--config") return unknown(words.front());
  const bool is_one_word = name != words.front();
  const size_t size = is_one_word ? 1 : 2;
  if (words.size() > size) return unknown(words[size]);
  const std::string_view file = is_one_word            ? words.front().substr(name.size() + 1)
                                : words.size() == size ? words.back()
                                                       : "";
  return file.empty() ? misuse("option '--config' needs a value") : Result<std::string>(std::string(file));
}

}  // namespace oci_oauth
