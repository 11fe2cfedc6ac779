// SPDX-License-Identifier: Apache-2.0
// Text that must not be printed, copied or left in memory: a token, or a document that contains one.
#pragma once

#include <string.h>

#include <string>
#include <string_view>

namespace oci_oauth {

// Overwrites the whole capacity of `text` and empties it.
inline void wipe(std::string& text) {
  explicit_bzero(text.data(), text.capacity());
  text.clear();
}

// A growing string leaves copies behind; this function wipes each of them.
inline void append_secret(std::string& text, std::string_view more) {
  if (more.size() > text.capacity() - text.size()) {
    std::string larger;
    larger.reserve(2 * text.capacity() + more.size());
    larger.append(text);
    text.swap(larger);
    wipe(larger);
  }
  text.append(more);
}

// Move-only, and wiped when destroyed. There is no formatter and no operator<<: only reveal() gives access.
class Secret {
 public:
  Secret() = default;
  // Takes over the text by swapping, because moving would leave a short string's bytes in the source object.
  explicit Secret(std::string&& text) { take(text); }
  explicit Secret(std::string_view text) : text_(text) {}
  Secret(Secret&& other) noexcept { take(other.text_); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe(text_);
      take(other.text_);
    }
    return *this;
  }
  ~Secret() { wipe(text_); }

  std::string_view reveal() const { return text_; }
  Secret copy() const { return Secret(reveal()); }
  bool empty() const { return text_.empty(); }
  friend bool operator==(const Secret& a, const Secret& b) { return a.text_ == b.text_; }

 private:
  void take(std::string& text) noexcept {
    text_.swap(text);
    wipe(text);
  }

  std::string text_;
};

}  // namespace oci_oauth
