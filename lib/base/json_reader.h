// SPDX-License-Identifier: Apache-2.0
// Goes through a JSON text (RFC 8259) value by value: what is asked for is read, everything else is passed
// over. The rules for depth, NUL, encoding and comments are here, and nobody else takes a text apart.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace oci_oauth {

enum class JsonKind { invalid, null, boolean, number, string, object, array };

enum class JsonRules {
  strict,
  comments,  // "//" to the end of the line and "/* */" are white space
  lenient    // bytes that are not UTF-8, and halves of surrogate pairs, are no obstacle
};

constexpr unsigned json_max_depth = 64;

// The first mistake ends the walk: after it, nothing follows, and finish() reports it.
class JsonReader {
 public:
  // `text` outlives the reader. A byte order mark in front of it is passed over.
  explicit JsonReader(std::string_view text, JsonRules rules = JsonRules::strict);
  ~JsonReader() { wipe(unescaped_); }
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  // What comes next, told by its first byte, at which offset() then is. After a value, offset() is its end.
  JsonKind next();
  bool is_null() { return past_blanks() == 'n'; }
  size_t offset() const { return at_; }

  // An object or array: enter it, then ask until there is nothing more. What each member or element is must
  // be read, entered or skipped before the next one.
  bool enter(JsonKind kind);
  std::optional<std::string_view> next_key();  // valid until the next string
  bool next_element();
  unsigned depth() const { return depth_; }

  // A mistake where the next value is of another kind.
  std::string_view string();  // valid until the next string; half of a pair ("\udc00") is U+FFFD
  std::string_view number();  // as it is written
  std::uint32_t uint32();
  void literal();

  // Passes over the next value, whatever is in it. Only its brackets, strings and depth are looked at: for a
  // text that another parser has taken, or will.
  void skip();

  void fail(std::string_view reason);  // at offset()
  void fail_in(std::string_view key);  // the mistake is in the value of this key
  bool has_failed() const { return has_failed_; }

  // Failure: the mistake, which may be that something follows the value: "SOURCE:LINE:COLUMN: reason",
  // "SOURCE:LINE:COLUMN: /POINTER: reason".
  Result<void> finish(std::string_view source);

 private:
  char byte() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  // What follows blanks. Most of what engines write has none.
  char past_blanks() {
    const char c = byte();
    return c > '/' || c == '"' || c == ',' ? c : past_any_blanks();
  }
  char past_any_blanks();
  bool pass_comment();
  bool expect(JsonKind kind, std::string_view otherwise);
  bool another(char close);
  std::string_view string_here();
  size_t plain_end(size_t at) const;
  std::optional<unsigned> hex4(size_t at) const;
  bool read_escape();
  void skip_brackets();
  void fail_syntax(std::string_view reason);

  std::string_view text_;
  JsonRules rules_;
  size_t at_ = 0;
  unsigned depth_ = 0;
  bool is_first_ = false;  // no member or element of what was entered has been asked for
  bool has_failed_ = false;
  size_t failed_at_ = 0;
  std::string reason_, pointer_;
  std::string unescaped_;
};

// What is wanted of an object: `read` takes the value of `key`. null counts as absent, unless it is wanted.
template <class T>
struct JsonMember {
  std::string_view key;
  void (*read)(JsonReader& json, T& target);
  bool wants_null = false;
};

// Reads the members of an object that `table` has, and passes over the others. A mistake: a key of the table
// that is there twice (readers disagree about which one counts), and what `read` says.
template <class T>
void read_members(JsonReader& json, std::span<const JsonMember<T>> table, T& target) {
  std::uint64_t seen = 0;
  if (!json.enter(JsonKind::object)) return;
  while (const auto key = json.next_key()) {
    size_t i = 0;
    while (i < table.size() && table[i].key != *key) ++i;
    if (i == table.size()) {
      json.skip();
      continue;
    }
    if ((seen >> i & 1) != 0) return json.fail(std::string("duplicate key '").append(*key) + "'");
    seen |= std::uint64_t{1} << i;
    if (json.is_null() && !table[i].wants_null) {
      json.literal();
    } else {
      table[i].read(json, target);
    }
    if (json.has_failed()) return json.fail_in(table[i].key);
  }
}

}  // namespace oci_oauth
