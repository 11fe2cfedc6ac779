// SPDX-License-Identifier: Apache-2.0
// Records are equal if all members of their description are, whether they are written or not.
#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include "base/record.h"

namespace oci_oauth {

namespace test {

// The members' values, in the description's order, each as a text.
class Members {
 public:
  template <record_detail::Described Record>
  explicit Members(const Record& record) {
    describe(*this, record);
  }
  template <class T>
  void operator()(std::string_view, const T& member, Presence = Presence::optional) {
    add(member);
  }
  friend bool operator==(const Members&, const Members&) = default;

 private:
  template <class T>
  void add(const T& value) {
    using namespace record_detail;
    if constexpr (std::integral<T> || std::is_enum_v<T>) {
      all_.push_back(std::to_string(static_cast<std::int64_t>(value)));
    } else if constexpr (record_detail::Text<T>) {
      all_.emplace_back(value);
    } else if constexpr (std::same_as<T, Secret>) {
      all_.emplace_back(value.reveal());
    } else if constexpr (TimePoint<T>) {
      add(value.time_since_epoch().count());
    } else if constexpr (Duration<T>) {
      add(value.count());
    } else if constexpr (Optional<T>) {
      add(value.has_value());
      if (value) add(*value);
    } else if constexpr (Described<T>) {
      describe(*this, value);
    } else {
      add(value.size());
      for (const auto& element : value) add_element(element);
    }
  }
  template <class First, class Second>
  void add_element(const std::pair<First, Second>& pair) {
    add(pair.first);
    add(pair.second);
  }
  void add_element(const auto& element) { add(element); }

  std::vector<std::string> all_;
};

}  // namespace test

template <record_detail::Described Record>
bool operator==(const Record& one, const Record& other) {
  return test::Members(one) == test::Members(other);
}

}  // namespace oci_oauth
