// SPDX-License-Identifier: Apache-2.0
// A record is a struct that is kept or sent as a JSON object. Its members are described once, and written and
// read by that description; tests generate and compare values by it:
//
//   void describe(auto& each, RecordOf<Point> auto& point) {
//     each("x", point.x, Presence::required);
//     each("label", point.label);
//   }
//
// A member is text, a Secret, a number, a bool, a Time or a duration (a number in its unit), an enum with
// words_of(), another record, or an optional, a vector, a set or a map of these. A record that is a document
// has a `static constexpr int version`; a record whose members are bound to rules has a
// `Result<void> check(const T&)`. Unknown keys are ignored. No text that is written or read is left in
// memory.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/text.h"

namespace oci_oauth {

template <class Self, class Record>
concept RecordOf = std::same_as<std::remove_const_t<Self>, Record>;

enum class Presence {
  optional,  // omitted if it has its type's initial value, which a missing key stands for
  required,  // always there
  nullable   // null while it has its type's initial value
};

namespace record_detail {

struct AnyMember {
  template <class... Arguments>
  void operator()(Arguments&&...) {}
};

template <class T>
concept Described = requires(AnyMember& each, T& record) {
  describe(each, record);
};
template <class T>
concept Text = std::convertible_to<const T&, std::string_view>;
template <class T>
concept TimePoint = requires(const T& time) {
  time.time_since_epoch().count();
};
template <class T>
concept Duration = !TimePoint<T> && requires(const T& duration) {
  duration.count();
};
template <class T>
concept Optional = requires(const T& value) {
  value.has_value();
};
template <class T>
concept Map = requires {
  typename T::mapped_type;
};

template <class T>
bool is_initial(const T& value) {
  if constexpr (requires { value.empty(); }) {
    return value.empty();
  } else if constexpr (Optional<T>) {
    return !value.has_value();
  } else if constexpr (Described<T>) {
    return false;
  } else {
    return value == T{};
  }
}

}  // namespace record_detail

// Where a value is in its document.
struct RecordPlace {
  const RecordPlace* parent = nullptr;  // nullptr: the document itself
  std::string_view key = {};
  std::optional<size_t> index = {};  // of an element, which has no key

  std::string pointer() const;  // RFC 6901
};

class RecordWriter : public JsonWriter {
 public:
  using JsonWriter::JsonWriter;

  template <class T>
  void operator()(std::string_view key, const T& member, Presence presence = Presence::optional) {
    const bool is_initial = presence != Presence::required && record_detail::is_initial(member);
    if (is_initial && presence == Presence::optional) return;
    write_key(key);
    if (is_initial) {
      append("null");
    } else {
      write(member);
    }
  }
  template <class Record>
  void document(const Record& record) {
    open('{');
    (*this)("version", Record::version, Presence::required);
    describe(*this, record);
    close('}');
  }

 private:
  template <class T>
  void write(const T& value) {
    using namespace record_detail;
    if constexpr (std::same_as<T, bool>) {
      append(value ? "true" : "false");
    } else if constexpr (std::integral<T>) {
      write_number(value);
    } else if constexpr (record_detail::Text<T>) {
      write_text(value);
    } else if constexpr (std::same_as<T, Secret>) {
      write_text(value.reveal());
    } else if constexpr (Worded<T>) {
      write_text(word(value));
    } else if constexpr (TimePoint<T>) {
      write_number(value.time_since_epoch().count());
    } else if constexpr (Duration<T>) {
      write_number(value.count());
    } else if constexpr (Optional<T>) {
      write(*value);
    } else if constexpr (Described<T>) {
      open('{');
      describe(*this, value);
      close('}');
    } else if constexpr (Map<T>) {
      open('{');
      for (const auto& [key, element] : value) (*this)(key, element, Presence::required);
      close('}');
    } else {
      open('[');
      for (const auto& element : value) {
        next();
        write(element);
      }
      close(']');
    }
  }
};

// What a document turns out to be: the first mistake is kept.
struct RecordReading {
  std::string_view source;
  std::optional<Error> error = {};

  void refuse(const RecordPlace& place, std::string_view why);
};

class RecordReader {
 public:
  RecordReader(const JsonValue& object, const RecordPlace& place, RecordReading& reading)
      : object_(object), place_(place), reading_(reading) {
    expect(object.IsObject(), place, "is not an object");
  }

  template <class T>
  void operator()(std::string_view key, T& member, Presence presence = Presence::optional) {
    const RecordPlace place = {&place_, key};
    const JsonValue* value = find(key);
    if (value != nullptr) return read(*value, place, member);
    member = T{};
    if (presence == Presence::required) reading_.refuse(place, "is missing");
  }

  // The record that `object_` is.
  template <class Record>
  void record(Record& record) {
    if (reading_.error) return;
    describe(*this, record);
    if constexpr (requires { check(record); }) {
      if (reading_.error) return;
      if (const auto checked = check(std::as_const(record)); !checked)
        reading_.refuse(place_, checked.error().message);
    }
  }

 private:
  template <class T>
  void read(const JsonValue& json, const RecordPlace& place, T& target) {
    using namespace record_detail;
    if constexpr (std::same_as<T, bool>) {
      if (expect(json.IsBool(), place, "is not true or false")) target = json.GetBool();
    } else if constexpr (std::integral<T>) {
      read_number(json, place, target);
    } else if constexpr (std::same_as<T, std::string> || std::same_as<T, Secret>) {
      if (expect(json.IsString(), place, "is not a string")) target = T(json_text(json));
    } else if constexpr (Worded<T>) {
      if (!expect(json.IsString(), place, "is not a string")) return;
      const auto value = from_word<T>(json_text(json));
      if (value) target = *value;
      if (!value) reading_.refuse(place, not_one_of(words_of(T{})));
    } else if constexpr (TimePoint<T>) {
      typename T::duration since_epoch{};
      read(json, place, since_epoch);
      target = T(since_epoch);
    } else if constexpr (Duration<T>) {
      std::int64_t count = 0;
      read_number(json, place, count);
      target = T(count);
    } else if constexpr (Optional<T>) {
      read(json, place, target.emplace());
    } else if constexpr (Described<T>) {
      RecordReader(json, place, reading_).record(target);
    } else if constexpr (Map<T>) {
      read_map(json, place, target);
    } else {
      read_elements(json, place, target);
    }
  }
  template <std::integral T>
  void read_number(const JsonValue& json, const RecordPlace& place, T& target) {
    if (!expect(json.IsInt64() || json.IsUint64(), place, "is not an integer")) return;
    const bool fits = json.IsInt64() ? std::in_range<T>(json.GetInt64()) : std::in_range<T>(json.GetUint64());
    if (!expect(fits, place, "is out of range")) return;
    target = json.IsInt64() ? static_cast<T>(json.GetInt64()) : static_cast<T>(json.GetUint64());
  }
  template <class T>
  void read_elements(const JsonValue& json, const RecordPlace& place, T& target) {
    target.clear();
    if (!expect(json.IsArray(), place, "is not an array")) return;
    size_t index = 0;
    for (const JsonValue& value : json.GetArray()) {
      typename T::value_type element{};
      read(value, {&place, {}, index++}, element);
      target.insert(target.end(), std::move(element));
    }
  }
  template <class T>
  void read_map(const JsonValue& json, const RecordPlace& place, T& target) {
    target.clear();
    if (!expect(json.IsObject(), place, "is not an object")) return;
    for (const auto& member : json.GetObject())
      read(member.value, {&place, json_text(member.name)}, target[std::string(json_text(member.name))]);
  }

  const JsonValue* find(std::string_view key);  // nullptr if it is missing or null
  bool expect(bool holds, const RecordPlace& place, std::string_view why) {
    if (!holds) reading_.refuse(place, why);
    return holds;
  }
  static std::string not_one_of(std::span<const std::string_view> words);

  const JsonValue& object_;
  const RecordPlace place_;
  RecordReading& reading_;
  // the probable position of the next key: members come in the order of their description
  unsigned next_ = 0;
};

template <class Record>
Secret write_record(const Record& record, JsonStyle style = JsonStyle::compact) {
  RecordWriter writer(style);
  writer.document(record);
  return writer.finish();
}

// Failure: "SOURCE: /deliveries/0/uid: is not an integer", and the like; a version that the record does not
// accept: another than its own, unless it says which with `static bool accepts(std::int64_t version)`. A
// document without one has version 0.
template <class Record>
Result<Record> read_record(const JsonValue& json, std::string_view source) {
  if constexpr (requires { Record::version; }) {
    const std::int64_t version = json_int(json, "version").value_or(0);
    bool is_accepted = version == Record::version;
    if constexpr (requires { Record::accepts(version); }) is_accepted = Record::accepts(version);
    if (!is_accepted)
      return Error{ErrorKind::failed, std::string(source) + ": was written by another version"};
  }
  RecordReading reading = {source};
  Record record;
  RecordReader(json, {}, reading).record(record);
  if (reading.error) return std::move(*reading.error);
  return record;
}

template <class Record>
Result<Record> read_record(std::string_view text, std::string_view source) {
  const auto json = TRY(parse_json(text, source));
  return read_record<Record>(json, source);
}

}  // namespace oci_oauth
