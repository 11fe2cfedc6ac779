// SPDX-License-Identifier: Apache-2.0
#include "base/memory_file.h"

#include "base/command_output.h"
#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("another program reads a text from memory by its path") {
  for (const std::string text : {"", "a\nb"}) {
    const auto file = MemoryFile::holding(text);
    REQUIRE(file);
    const auto output = run_command({"cat", file->path()}, std::chrono::seconds(10), {file->fd()});
    REQUIRE(output);
    CHECK(output->out == text);
  }
}
