// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <cerrno>
#include <memory>

#include "support/catch.h"

using namespace oci_oauth;

TEST_CASE("a result is a value or an error, never both") {
  const Result<int> value = 7;
  REQUIRE(value);
  CHECK(value.has_value());
  CHECK(*value == 7);
  const Result<int> failed = Error{ErrorKind::temporary, "why", "what to do"};
  REQUIRE_FALSE(failed);
  CHECK(failed.error().kind == ErrorKind::temporary);
  CHECK(failed.error().message == "why");
  CHECK(failed.error().hint == "what to do");
}

TEST_CASE("a result of nothing is done, or an error") {
  CHECK(Result<void>());
  const Result<void> failed = Error{ErrorKind::failed, "why"};
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message == "why");
}

TEST_CASE("a value that can only be moved is moved out") {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  REQUIRE(result);
  const std::unique_ptr<int> moved = *std::move(result);
  CHECK(*moved == 7);
}

TEST_CASE("an error says the context first, and keeps its kind and hint") {
  const Error error = Error{ErrorKind::action_required, "invalid_grant", "log in"}
                          .in("token endpoint")
                          .in("refresh 'claude'");
  CHECK(error.message == "refresh 'claude': token endpoint: invalid_grant");
  CHECK(error.kind == ErrorKind::action_required);
  CHECK(error.hint == "log in");
  CHECK(Error{ErrorKind::failed, "why", "old"}.with_hint("new").hint == "new");
}

TEST_CASE("an error number is described in words, and a missing file has a kind of its own") {
  CHECK(Error::from_errno(EACCES, "/f: open").message == "/f: open: Permission denied");
  CHECK(Error::from_errno(EACCES, "").kind == ErrorKind::failed);
  CHECK(Error::from_errno(ENOENT, "/f").kind == ErrorKind::not_found);
  CHECK(Error::from_errno(123456, "/f").message == "/f: unknown error");
}
