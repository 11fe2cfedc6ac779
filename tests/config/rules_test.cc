// SPDX-License-Identifier: Apache-2.0
#include "config/rules.h"

#include "support/catch.h"

using namespace oci_oauth;

namespace {

// Each has to accept the text as it is, or say what is wrong with it.
template <class Rule>
std::string reason(std::string text) {
  const std::string before = text;
  const char* const why = Rule::why_not(text);
  CHECK(text == before);
  return why == nullptr ? "" : "'" + text + "' " + why;
}

}  // namespace

TEST_CASE("a size is a number of KiB or MiB") {
  for (const char* text : {"1k", "64m", "99999m"}) CHECK(reason<ByteCount>(text) == "");
  for (const char* text : {"", "k", "m", "64", "0k", "01m", "64g", "64M", "6 4m", "-1k", "100000k", "1km"})
    CHECK(reason<ByteCount>(text) == "'" + std::string(text) + "' is not a size such as \"64m\"");
}

TEST_CASE("a rate is a number per minute") {
  for (const char* text : {"1/m", "600/m", "99999/m"}) CHECK(reason<Rate>(text) == "");
  for (const char* text :
       {"", "/m", "600", "0/m", "06/m", "600/s", "600/", "-1/m", "1.5/m", "100000/m", "6/m;"})
    CHECK(reason<Rate>(text) == "'" + std::string(text) + "' is not a rate such as \"600/m\"");
}

TEST_CASE("a port is one of TCP") {
  for (const char* text : {"1", "8788", "65535"}) CHECK(reason<Port>(text) == "");
  for (const char* text : {"", "0", "65536", "99999", "123456", "08788", "http", "-1", "80 "})
    CHECK(reason<Port>(text) == "'" + std::string(text) + "' is not a port between 1 and 65535");
  CHECK(Port::number("8788") == 8788);
  CHECK(Port::number("") == 0);
}
