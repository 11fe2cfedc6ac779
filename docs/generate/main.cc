// SPDX-License-Identifier: Apache-2.0
// Writes what the build makes from the description of oci-oauth's command line to stdout: a shell's
// completion, or the manual from its template.
//
// usage: generate-pages bash|zsh|fish | manual TEMPLATE
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "completions.h"
#include "manual.h"

int main(int argc, char** argv) {
  using namespace oci_oauth;
  const std::string_view page = argc >= 2 ? argv[1] : "";
  const CommandLine& line = command_line();
  std::string text;
  if (page == "bash") {
    text = bash_completion(line);
  } else if (page == "zsh") {
    text = zsh_completion(line);
  } else if (page == "fish") {
    text = fish_completion(line);
  } else if (page == "manual" && argc == 3) {
    std::ifstream source(argv[2]);
    text = manual_page(line, std::string{std::istreambuf_iterator<char>(source), {}});
  } else {
    fmt::print(stderr, "usage: generate-pages bash|zsh|fish | manual TEMPLATE\n");
    return 2;
  }
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0 ? 0 : 1;
}
