// SPDX-License-Identifier: Apache-2.0
#include "wrapper/engine_log.h"

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace oci_oauth;

namespace {

const Time start_of_2027 = std::chrono::sys_days(std::chrono::year(2027) / 1 / 1);

}  // namespace

TEST_CASE("an engine that asked for text reads a line of text") {
  CHECK(engine_log_line({}, "a \"b\"", start_of_2027) ==
        "time=\"2027-01-01T00:00:00Z\" level=error msg=\"a \\\"b\\\"\"\n");
}

TEST_CASE("an engine that asked for JSON reads an object") {
  RuntimeCall call;
  call.log_is_json = true;
  CHECK(engine_log_line(call, "why", start_of_2027) ==
        "{\"level\":\"error\",\"msg\":\"why\",\"time\":\"2027-01-01T00:00:00Z\"}\n");
}

TEST_CASE("a runtime's log keeps what is in it") {
  const TempDir directory;
  RuntimeCall call;
  call.log = directory.write("log", "before\n");
  write_engine_log(call, "why");
  CHECK(directory.read("log").starts_with("before\ntime="));
  call.log = directory / "none/log";
  write_engine_log(call, "why");
  CHECK_FALSE(std::filesystem::exists(call.log));
}
