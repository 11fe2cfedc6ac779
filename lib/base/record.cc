// SPDX-License-Identifier: Apache-2.0
#include "base/record.h"

#include "base/fmt.h"

namespace oci_oauth {

std::string RecordPlace::pointer() const {
  if (parent == nullptr) return "";
  return index ? fmt::format("{}/{}", parent->pointer(), *index)
               : fmt::format("{}/{}", parent->pointer(), key);
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
