// SPDX-License-Identifier: Apache-2.0
#include "base/record.h"

#include "base/fmt.h"
#include "base/utf8.h"

namespace oci_oauth {

namespace {

bool is_plain(char c) {
  return static_cast<unsigned char>(c) - 0x20U < 0x5f && c != '"' && c != '\\';
}

}  // namespace

std::string RecordPlace::pointer() const {
  if (parent == nullptr) return "";
  return key.empty() ? fmt::format("{}/{}", parent->pointer(), index)
                     : fmt::format("{}/{}", parent->pointer(), key);
}

// RFC 8259 section 7. What is not UTF-8 could not be read again: each such byte becomes U+FFFD.
void RecordWriter::write_text(std::string_view text) {
  append("\"");
  while (!text.empty()) {
    size_t plain = 0;
    while (plain < text.size() && is_plain(text[plain])) ++plain;
    append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const char c = text.front();
    size_t length = 1;
    if (c == '"' || c == '\\') {
      append(c == '"' ? "\\\"" : "\\\\");
    } else if (static_cast<unsigned char>(c) < 0x20) {
      append(fmt::format("\\u{:04x}", static_cast<unsigned>(c)));
    } else if ((length = utf8_length(text)) > 0) {
      append(text.substr(0, length));
    } else {
      append("\xef\xbf\xbd");
      length = 1;
    }
    text.remove_prefix(length);
  }
  append("\"");
}

void RecordWriter::write_key(std::string_view key) {
  next();
  write_text(key);
  append(style_ == JsonStyle::indented ? ": " : ":");
}

void RecordWriter::next() {
  if (!is_first_) append(",");
  is_first_ = false;
  new_line();
}

void RecordWriter::open(char bracket) {
  append({&bracket, 1});
  ++depth_;
  is_first_ = true;
}

void RecordWriter::close(char bracket) {
  --depth_;
  if (!is_first_) new_line();
  is_first_ = false;
  append({&bracket, 1});
}

void RecordWriter::new_line() {
  if (style_ != JsonStyle::indented) return;
  append("\n");
  append(std::string(2 * size_t{depth_}, ' '));
}

Secret RecordWriter::finish() {
  if (style_ == JsonStyle::indented) append("\n");
  return Secret(std::move(text_));
}

void RecordReading::refuse(const RecordPlace& place, std::string_view why) {
  if (error) return;
  const std::string pointer = place.pointer();
  error =
      Error{ErrorKind::failed, fmt::format("{}: {}{}{}", source, pointer, pointer.empty() ? "" : ": ", why)};
}

const JsonValue* RecordReader::find(std::string_view key) {
  if (reading_.error) return nullptr;
  const unsigned count = object_.MemberCount();
  for (unsigned step = 0; step < count; ++step) {
    const unsigned at = next_ + step < count ? next_ + step : next_ + step - count;
    const auto& member = object_.MemberBegin()[at];
    if (json_text(member.name) != key) continue;
    next_ = at + 1;
    return member.value.IsNull() ? nullptr : &member.value;
  }
  return nullptr;
}

std::string RecordReader::not_one_of(std::span<const std::string_view> words) {
  return fmt::format("is not one of {}", fmt::join(words, ", "));
}

}  // namespace oci_oauth
