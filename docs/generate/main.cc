// SPDX-License-Identifier: Apache-2.0
// Writes what the build makes from the descriptions of oci-oauth's command line and of its configuration to
// stdout: a shell's completion, a JSON Schema, or a manual from its template.
//
// usage: generate-pages bash|zsh|fish | config-schema|provider-schema | manual|config-manual TEMPLATE
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "completions.h"
#include "key_tables.h"
#include "manual.h"
#include "schema.h"

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
  } else if (page == "config-schema") {
    text = config_schema();
  } else if (page == "provider-schema") {
    text = provider_schema();
  } else if ((page == "manual" || page == "config-manual") && argc == 3) {
    std::ifstream file(argv[2]);
    const std::string source{std::istreambuf_iterator<char>(file), {}};
    text = page == "manual" ? manual_page(line, source) : config_manual_page(source);
  } else {
    fmt::print(stderr,
               "usage: generate-pages bash|zsh|fish | config-schema|provider-schema |"
               " manual|config-manual TEMPLATE\n");
    return 2;
  }
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0 ? 0 : 1;
}
