// SPDX-License-Identifier: Apache-2.0
// Values of a record from any bytes, by the record's description: what is written of each is read as it was.
#pragma once

#include <array>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "base/record.h"
#include "base/text.h"
#include "support/record_equal.h"

namespace oci_oauth::fuzz {

class Generator {
 public:
  explicit Generator(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  void operator()(std::string_view, T& member, Presence = Presence::optional) {
    make(member);
  }

 private:
  template <class T>
  void make(T& value) {
    using namespace record_detail;
    if constexpr (std::same_as<T, bool>) {
      value = next() % 2 == 1;
    } else if constexpr (std::integral<T>) {
      value = number<T>();
    } else if constexpr (std::same_as<T, std::string> || std::same_as<T, Secret>) {
      value = T(text());
    } else if constexpr (Worded<T>) {
      value = static_cast<T>(next() % words_of(T{}).size());
    } else if constexpr (TimePoint<T>) {
      value = T(typename T::duration(number<std::int64_t>()));
    } else if constexpr (Duration<T>) {
      value = T(number<std::int64_t>());
    } else if constexpr (Optional<T>) {
      value.reset();
      if (next() % 2 == 1) make(value.emplace());
    } else if constexpr (Described<T>) {
      describe(*this, value);
    } else if constexpr (Map<T>) {
      for (unsigned left = next() % 4; left > 0; --left) make(value[text()]);
    } else {
      value.clear();
      for (unsigned left = next() % 4; left > 0; --left) {
        typename T::value_type element{};
        make(element);
        value.insert(value.end(), std::move(element));
      }
    }
  }
  template <class T>
  T number() {
    const unsigned choice = next();
    if (choice == 0xff) return std::numeric_limits<T>::max();
    if (choice == 0xfe) return std::numeric_limits<T>::min();
    std::uint64_t value = 0;
    for (unsigned left = choice % 9; left > 0; --left) value = value << 8 | next();
    return static_cast<T>(value);
  }
  std::string text() {
    static const std::array<std::string, 6> some = {"",
                                                    "claude",
                                                    "/a/b~1c",
                                                    std::string("\0\x01\x1f", 3),
                                                    "\"\\/ \n\x7f",
                                                    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91"};
    const unsigned choice = next();
    if (choice < 0xc0) return some[choice % some.size()];
    const std::string_view own = bytes_.substr(0, choice - 0xc0);
    bytes_.remove_prefix(own.size());
    return is_utf8(own) ? std::string(own) : "";
  }
  unsigned next() {
    if (bytes_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }

  std::string_view bytes_;
};

// Puts right what check() would refuse.
template <class Record>
void make_acceptable(Record&) {}

template <class Record>
void round_trip(const Record& record) {
  const Secret text = write_record(record);
  const auto again = read_record<Record>(text.reveal(), "again");
  if (!again || !(*again == record)) std::abort();
}

// The bytes as the record's text, and as the source of a value.
template <class Record>
void fuzz_record(std::string_view input) {
  if (const auto record = read_record<Record>(input, "fuzzed")) round_trip(*record);
  Generator generator(input);
  Record record;
  describe(generator, record);
  make_acceptable(record);
  round_trip(record);
}

}  // namespace oci_oauth::fuzz
