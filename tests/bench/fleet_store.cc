// SPDX-License-Identifier: Apache-2.0
// What the fleet's measurements and suites do with the store, in tests/fleet/lab:
//   fleet-store keys DIRECTORY                      a fleet's keys
//   fleet-store publish DIRECTORY GENERATION [HOW]  writes the access record; prints the times before and
//   after
//                                                   it, in seconds since 1970. HOW: garbage, or forged
//   fleet-store write SECONDS                       writes as often as it can; prints how often, and the
//   longest
//                                                   time without a success in milliseconds
//   fleet-store read SECONDS                        reads as often as it can; prints how often, and the
//   median, the
//                                                   99th of a hundred and the longest in milliseconds
//   fleet-store watch COUNT                         that many streams; prints "ready", and for each change
//   the
//                                                   times at which half, 99 of a hundred and all of them had
//                                                   it
#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <thread>

#include "base/fingerprint.h"
#include "base/fmt.h"
#include "fleet/record.h"
#include "fleet/seal.h"
#include "store/etcd_messages.h"
#include "store/open_store.h"
#include "worker/exchange_report.h"

using namespace oci_oauth;
using namespace std::chrono_literals;

namespace {

constexpr const char* profile = "claude";

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
std::string lab(const std::string& name) {
  return std::string(std::getenv("LAB")) + "/" + name;
}
std::vector<std::string> endpoints() {
  std::istringstream lines(content(lab("endpoints")));
  std::vector<std::string> all;
  for (std::string line; std::getline(lines, line);) all.push_back(line);
  return all;
}
std::unique_ptr<RecordStore> open_store() {
  FleetConfig config;
  config.endpoints = endpoints();
  config.ca_file = lab("ca.pem");
  return oci_oauth::open_store(config, {content(lab("client.pem")), Secret(content(lab("client.key")))});
}

double seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

int make_keys(const std::string& directory) {
  ::mkdir(directory.c_str(), 0755);
  ::umask(077);
  const Secret access = random_key(), signing = random_key();
  std::ofstream(directory + "/login.key") << key_line(random_key());
  std::ofstream(directory + "/access.key") << key_line(access);
  std::ofstream(directory + "/signing.key") << key_line(signing);
  ::umask(022);
  std::ofstream(directory + "/signers") << key_line(*public_half(signing));
  return 0;
}

std::string access_record(const std::string& directory, std::uint64_t generation, bool is_forged) {
  FleetKeys keys;
  keys.access = *read_keys(content(directory + "/access.key"), "access.key");
  keys.signing = *read_keys(content(directory + "/signing.key"), "signing.key");
  keys.signers = *read_keys(content(directory + "/signers"), "signers");
  if (is_forged) {
    keys.signing.clear();
    keys.signing.push_back(random_key());
  }
  const std::string token = ::fmt::format("token-{}{}", generation, is_forged ? "-forged" : "");
  ExchangeReport report;
  report.login.emplace();
  report.login->access_token_hash = fingerprint(token);
  report.login->expires_at = now() + 8h;
  report.login->files.push_back({"token", Secret(std::string_view(token))});
  report.login->files.push_back({".credentials.json", Secret(std::string(1500, ' ') + "{}")});
  AccessRecord access;
  access.profile = profile;
  access.epoch = std::string(32, 'e');
  access.generation = generation;
  access.obtained_at = now();
  access.expires_at = now() + 8h;
  access.payload = write_record(report);
  return *seal(std::move(access), keys);
}

int publish(const std::string& directory, std::uint64_t generation, const std::string& how) {
  const auto store = open_store();
  const std::string bytes =
      how == "garbage" ? std::string(1'000'000, 'x') : access_record(directory, generation, how == "forged");
  const auto there = store->read(access_key(profile));
  if (!there) return std::fprintf(stderr, "%s\n", there.error().message.c_str()), 1;
  const double before = seconds();
  const auto written = store->write(access_key(profile), bytes, *there);
  if (!written || *written != Written::yes) return std::fputs("not written\n", stderr), 1;
  std::printf("%.6f %.6f\n", before, seconds());
  return 0;
}

int write_for(std::chrono::seconds time) {
  const auto store = open_store();
  const auto until = std::chrono::steady_clock::now() + time;
  auto last = std::chrono::steady_clock::now();
  auto longest = last - last;
  std::optional<Stored> expected;
  unsigned written = 0, unknown = 0, other = 0;
  for (unsigned number = 0; std::chrono::steady_clock::now() < until;) {
    const auto there = store->read("/written");
    if (!there) continue;
    // As a writer whose answer was lost finds out.
    if (*there && (*there)->bytes == std::to_string(number)) ++number;
    const auto done = store->write("/written", std::to_string(number), *there);
    if (!done) continue;
    unknown += *done == Written::unknown;
    other += *done == Written::no;
    if (*done != Written::yes) continue;
    ++written, ++number;
    longest = std::max(longest, std::chrono::steady_clock::now() - last);
    last = std::chrono::steady_clock::now();
  }
  longest = std::max(longest, std::chrono::steady_clock::now() - last);
  std::printf("written %u unknown %u no %u longest_ms %lld\n", written, unknown, other,
              static_cast<long long>(std::chrono::duration_cast<Milliseconds>(longest).count()));
  return other != 0;
}

int read_for(std::chrono::seconds time) {
  const auto store = open_store();
  const auto until = std::chrono::steady_clock::now() + time;
  std::vector<double> took;
  unsigned failed = 0;
  for (auto began = std::chrono::steady_clock::now(); began < until;
       began = std::chrono::steady_clock::now()) {
    failed += !store->list(access_prefix);
    took.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count());
  }
  std::sort(took.begin(), took.end());
  std::printf("reads %zu failed %u median_ms %.1f p99_ms %.1f longest_ms %.1f\n", took.size(), failed,
              took[took.size() / 2], took[took.size() * 99 / 100], took.back());
  return 0;
}

// Many streams in one process, which only count what arrives. epoll(7), because curl_multi_perform(3) looks
// at all of them whenever one has something.
struct Stream {
  CURL* easy = nullptr;
  unsigned lines = 0;
};
struct Counts {
  size_t created = 0;
  std::vector<double> changed;  // when
} counts;

size_t count_lines(char* bytes, size_t, size_t size, void* of) {
  auto& stream = *static_cast<Stream*>(of);
  for (size_t i = 0; i < size; ++i) {
    if (bytes[i] != '\n') continue;
    if (stream.lines++ == 0)
      ++counts.created;
    else
      counts.changed.push_back(seconds());
  }
  return size;
}

struct Sockets {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  long wakes_after = 0;  // milliseconds; -1: never
} sockets;

int watch_socket(CURL*, curl_socket_t socket, int what, void*, void*) {
  epoll_event event = {};
  event.events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
  event.data.fd = socket;
  if (what == CURL_POLL_REMOVE) return ::epoll_ctl(sockets.epoll, EPOLL_CTL_DEL, socket, nullptr), 0;
  if (::epoll_ctl(sockets.epoll, EPOLL_CTL_MOD, socket, &event) == 0) return 0;
  return ::epoll_ctl(sockets.epoll, EPOLL_CTL_ADD, socket, &event);
}

int wake_after(CURLM*, long milliseconds, void*) {
  sockets.wakes_after = milliseconds;
  return 0;
}

// What has arrived until then; returns how many streams there are.
size_t take_arrived(CURLM* multi) {
  epoll_event events[256];
  int running = 0;
  const int count =
      ::epoll_wait(sockets.epoll, events, 256, static_cast<int>(std::min(sockets.wakes_after, 1000L)));
  for (int i = 0; i < count; ++i) curl_multi_socket_action(multi, events[i].data.fd, 0, &running);
  if (count <= 0 || sockets.wakes_after == 0)
    curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
  return static_cast<size_t>(running);
}

int watch(size_t wanted) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* const multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, wake_after);
  const auto members = endpoints();
  const Secret body = etcd::watch_request(access_prefix, etcd::range_end(access_prefix), 0);
  std::vector<std::string> urls;
  for (const std::string& member : members) urls.push_back(member + "/v3/watch");
  std::vector<Stream> streams(wanted);
  const std::string ca = lab("ca.pem"), certificate = lab("client.pem"), key = lab("client.key");
  size_t started = 0;
  bool is_ready = false;
  while (true) {
    // Not all of their handshakes at once.
    for (; started < wanted && started < counts.created + 100; ++started) {
      CURL* const easy = streams[started].easy = curl_easy_init();
      curl_easy_setopt(easy, CURLOPT_URL, urls[started % urls.size()].c_str());
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.reveal().data());
      curl_easy_setopt(easy, CURLOPT_CAINFO, ca.c_str());
      curl_easy_setopt(easy, CURLOPT_SSLCERT, certificate.c_str());
      curl_easy_setopt(easy, CURLOPT_SSLKEY, key.c_str());
      curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
      curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
      curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 4096L);
      curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count_lines);
      curl_easy_setopt(easy, CURLOPT_WRITEDATA, &streams[started]);
      curl_multi_add_handle(multi, easy);
    }
    if (take_arrived(multi) < started) return std::fputs("a stream was lost\n", stderr), 1;
    if (counts.created == wanted && !is_ready) {
      is_ready = std::puts("ready") >= 0;
      std::fflush(stdout);
    }
    if (counts.changed.size() == wanted) {
      for (const size_t position : {wanted / 2, wanted * 99 / 100, wanted - 1})
        std::printf("%.6f ", counts.changed[position]);
      std::puts("");
      std::fflush(stdout);
      counts.changed.clear();
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[1] : "";
  if (what == "keys") return make_keys(argv[2]);
  if (what == "publish" && argc > 3)
    return publish(argv[2], std::strtoull(argv[3], nullptr, 10), argc > 4 ? argv[4] : "");
  if (what == "write") return write_for(std::chrono::seconds(std::atoi(argv[2])));
  if (what == "read") return read_for(std::chrono::seconds(std::atoi(argv[2])));
  if (what == "watch") return watch(std::strtoull(argv[2], nullptr, 10));
  return std::fputs("usage: see fleet_store.cc\n", stderr), 2;
}
