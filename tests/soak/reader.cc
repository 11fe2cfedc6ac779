// SPDX-License-Identifier: Apache-2.0
// soak-reader: reads the files of a delivered token in a container again and again until SIGTERM. Complains
// of a file that is missing or partial, and of a token that has expired, after the first valid one.
//
//   soak-reader DIRECTORY LIFE_SECONDS
//
// On SIGTERM it prints one line of JSON: reads, tokens, slowest_ms (the longest time from the moment that the
// refresher had a token, which is its expiry less its life, to the moment that it was first seen here),
// faults. Exits 1 where there was a fault.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <map>
#include <string>

#include "base/file.h"
#include "base/json.h"
#include "base/time.h"

namespace oci_oauth::test {
namespace {

constexpr auto pause_between_reads = std::chrono::milliseconds(1);
constexpr size_t most_faults_told = 5;

volatile sig_atomic_t stopped = 0;

class Reader {
 public:
  Reader(std::string directory, Milliseconds life) : directory_(std::move(directory)), life_(life) {}

  void read() {
    ++reads_;
    const Time time = now();
    read_document(time);
    read_token(time);
  }
  std::string summary() const {
    return fmt::format(R"({{"reads": {}, "tokens": {}, "slowest_ms": {}, "faults": {}}})", reads_,
                       expiries_.size(), slowest_.count(), faults_);
  }
  size_t faults() const { return faults_; }

 private:
  Result<std::string> content(const std::string& name) const {
    return read_file({.path = directory_ + "/" + name}, MiB, Links::refused);
  }
  void fault(std::string_view what) {
    if (expiries_.empty() || ++faults_ > most_faults_told) return;
    std::fputs(fmt::format("soak-reader: {}: {}\n", rfc3339(now()), what).c_str(), stderr);
  }

  void read_document(Time time) {
    const auto text = content(".credentials.json");
    if (!text) return fault(text.error().message);
    const auto json = parse_json(*text, ".credentials.json");
    if (!json) return fault(json.error().message);
    const JsonValue* login = json_member(*json, "claudeAiOauth");
    const auto token = login != nullptr ? json_string(*login, "accessToken") : std::nullopt;
    const auto milliseconds = login != nullptr ? json_int(*login, "expiresAt") : std::nullopt;
    if (!token || !milliseconds) return fault(".credentials.json: lacks the token or its expiry");
    const Time expiry(Milliseconds{*milliseconds});
    if (expiries_.empty() && expiry <= time) return;
    const bool is_new = expiries_.emplace(*token, expiry).second;
    // The first one may be older than this container.
    if (is_new && expiries_.size() > 1) slowest_ = std::max(slowest_, time - (expiry - life_));
    if (expiry <= time) fault(".credentials.json: its token has expired");
  }

  // The two files are replaced one after the other, so this token's expiry may not be known yet; all tokens
  // of the test's endpoint have one length.
  void read_token(Time time) {
    const auto token = content("token");
    if (!token) return fault(token.error().message);
    if (expiries_.empty()) return;
    if (token->size() != expiries_.begin()->first.size()) fault("token: is not whole");
    const auto known = expiries_.find(*token);
    if (known != expiries_.end() && known->second <= time) fault("token: has expired");
  }

  std::string directory_;
  Milliseconds life_, slowest_{0};
  std::map<std::string, Time, std::less<>> expiries_;
  size_t reads_ = 0, faults_ = 0;
};

}  // namespace
}  // namespace oci_oauth::test

int main(int argc, char** argv) {
  using namespace oci_oauth;
  if (argc != 3) return 2;
  int life = 0;
  std::from_chars(argv[2], argv[2] + std::string_view(argv[2]).size(), life);
  ::signal(SIGTERM, [](int) { test::stopped = 1; });
  test::Reader reader(argv[1], std::chrono::seconds(life));
  while (test::stopped == 0) {
    reader.read();
    ::usleep(std::chrono::microseconds(test::pause_between_reads).count());
  }
  std::puts(reader.summary().c_str());
  return reader.faults() == 0 ? 0 : 1;
}
