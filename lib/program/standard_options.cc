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
  const bool is_version = only == "--version";
  if (!is_version && only != "--help" && only != "-h") return std::nullopt;
  const std::string answer = is_version ? fmt::format("{} {}\n", program, version()) : std::string(help);
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
  constexpr std::string_view with_value = "--config=";
  const std::string_view option = words.front();
  const bool is_one_word = option.starts_with(with_value);
  if (!is_one_word && option != "--config") return unknown(option);
  const size_t size = is_one_word ? 1 : 2;
  if (words.size() > size) return unknown(words[size]);
  std::string_view file = words.size() == size ? words.back() : "";
  if (is_one_word) file.remove_prefix(with_value.size());
  return file.empty() ? misuse("option '--config' needs a value") : Result<std::string>(std::string(file));
}

}  // namespace oci_oauth
