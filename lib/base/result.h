// SPDX-License-Identifier: Apache-2.0
// A value or an Error, with the member names of std::expected (C++23).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace oci_oauth {

// A kind exists only if some caller acts on it; exit_code.h maps kinds to exit codes.
enum class ErrorKind {
  failed,
  usage,            // the command line
  configuration,    // a configuration or provider file
  not_found,        // the file does not exist
  action_required,  // a person must do something first
  temporary,        // worth trying later
};

// An error, for people: "file or operation: reason", lower case, no full stop, never a secret.
struct [[nodiscard]] Error {
  ErrorKind kind = ErrorKind::failed;
  std::string message;
  std::string hint = {};  // what to do, as as_typed() (program/hint.h) reads it; may be empty

  // Adds context to the error: "context: message".
  [[gnu::cold]] Error in(std::string_view context) &&;
  [[gnu::cold]] Error with_hint(std::string text) &&;

  [[gnu::cold]] static Error configuration(std::string message) {
    return {ErrorKind::configuration, std::move(message)};
  }
  // "what: strerror(number)"; ENOENT is not_found.
  [[gnu::cold]] static Error from_errno(int number, std::string_view what);
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  [[gnu::cold, gnu::noinline]] Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& operator*() & { return *std::get_if<0>(&state_); }
  const T& operator*() const& { return *std::get_if<0>(&state_); }
  T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }

  Error& error() & { return *std::get_if<1>(&state_); }
  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error&& error() && { return std::move(*std::get_if<1>(&state_)); }

  T take() && { return *std::move(*this); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> : public Result<std::monostate> {
 public:
  Result() : Result<std::monostate>(std::monostate()) {}
  [[gnu::cold, gnu::noinline]] Result(Error error) : Result<std::monostate>(std::move(error)) {}

  void take() && {}
};

}  // namespace oci_oauth

// The value of a Result; an error is returned from the enclosing function.
#define TRY(...)                                   \
  __extension__({                                  \
    auto tried_ = (__VA_ARGS__);                   \
    if (!tried_) return std::move(tried_).error(); \
    std::move(tried_).take();                      \
  })
