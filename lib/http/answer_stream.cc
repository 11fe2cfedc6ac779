// SPDX-License-Identifier: Apache-2.0
#include "http/answer_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "http/transfer.h"

namespace oci_oauth {

using namespace std::chrono_literals;

namespace {

// A server that has vanished is noticed after 50 s, tcp(7).
constexpr int keep_alive_idle_s = 30, keep_alive_interval_s = 10, keep_alive_probes = 2;

void keep_alive(int socket) {
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  const std::pair<int, int> options[] = {{TCP_KEEPIDLE, keep_alive_idle_s},
                                         {TCP_KEEPINTVL, keep_alive_interval_s},
                                         {TCP_KEEPCNT, keep_alive_probes}};
  for (const auto& [option, value] : options) ::setsockopt(socket, IPPROTO_TCP, option, &value, sizeof value);
}

using Line = std::function<bool(size_t which, std::string_view line)>;

class Stream final : public Transfer {
 public:
  Stream(const HttpRequest& request, const Prepared& prepared, const RequestEvents& events, size_t which,
         const Line& line)
      : Transfer(request, prepared, events), which_(which), line_(line) {
    set(CURLOPT_TIMEOUT_MS, 0L);
    set(CURLOPT_NOPROGRESS, 1L);
    set(CURLOPT_PRIVATE, this);
  }
  static Stream& of(CURL* easy) {
    void* self = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &self);
    return *static_cast<Stream*>(self);
  }

  CURL* handle() const { return easy_.get(); }
  SteadyTime begins_by() const { return begins_by_; }
  bool has_begun() const { return status() != 0; }
  bool has_failed() const { return code_ != CURLE_OK; }

  StreamEnd end(CURLcode code) {
    if (code_ == CURLE_OK) code_ = code;
    const bool is_answered = code_ == CURLE_OK || is_enough_;
    return {which_, is_answered ? RequestResult(reply(Secret())) : RequestResult(failure()),
            std::move(rest_)};
  }

 private:
  bool take(std::string_view bytes) override {
    for (size_t end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
      rest_ += bytes.substr(0, end);
      bytes.remove_prefix(end + 1);
      is_enough_ = !rest_.empty() && !line_(which_, rest_);
      rest_.clear();
      if (is_enough_) return false;
    }
    rest_ += bytes;
    is_too_large_ = rest_.size() > request_.longest_answer;
    return !is_too_large_;
  }
  void prepare_socket(curl_socket_t socket) const override { keep_alive(socket); }

  const size_t which_;
  const Line& line_;
  const SteadyTime begins_by_ = std::chrono::steady_clock::now() + request_.total_timeout;
  std::string rest_;
  bool is_enough_ = false;
};

class Streams {
 public:
  Streams() : multi_(curl_multi_init(), curl_multi_cleanup) {}
  ~Streams() {
    for (const auto& stream : all_) curl_multi_remove_handle(multi_.get(), stream->handle());
  }
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  // False: it ended before it began.
  bool add(std::unique_ptr<Stream> stream) {
    const bool is_added = multi_ != nullptr && !stream->has_failed() &&
                          curl_multi_add_handle(multi_.get(), stream->handle()) == CURLM_OK;
    all_.push_back(std::move(stream));
    return is_added;
  }
  StreamEnd end_last() { return all_.back()->end(CURLE_OUT_OF_MEMORY); }
  StreamEnd run_until(SteadyTime until);

 private:
  Stream* next_to_begin() const;

  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_;
  std::vector<std::unique_ptr<Stream>> all_;
};

// The one whose answer has to begin first, of those that wait for it.
Stream* Streams::next_to_begin() const {
  Stream* next = nullptr;
  for (const auto& stream : all_) {
    if (!stream->has_begun() && (next == nullptr || stream->begins_by() < next->begins_by()))
      next = stream.get();
  }
  return next;
}

// curl_easy_perform(3) would wake up each second.
StreamEnd Streams::run_until(SteadyTime until) {
  while (true) {
    int running = 0, queued = 0;
    const bool can_go_on = curl_multi_perform(multi_.get(), &running) == CURLM_OK;
    if (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &queued); message != nullptr)
      return Stream::of(message->easy_handle).end(message->data.result);
    if (!can_go_on) return all_.front()->end(CURLE_RECV_ERROR);
    Stream* const next = next_to_begin();
    const SteadyTime wakes = next != nullptr ? std::min(next->begins_by(), until) : until;
    const auto left = std::chrono::ceil<Milliseconds>(wakes - std::chrono::steady_clock::now());
    if (left <= Milliseconds(0))
      return wakes < until ? next->end(CURLE_OPERATION_TIMEDOUT) : all_.front()->end(CURLE_OK);
    curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(std::min(left, Milliseconds(1h)).count()),
                    nullptr);
  }
}

}  // namespace

StreamEnd follow_lines(const std::vector<HttpRequest>& requests, SteadyTime until, const Line& line) {
  const RequestEvents none;
  std::vector<Prepared> prepared;
  prepared.reserve(requests.size());  // the streams refer to them
  Streams streams;
  for (size_t which = 0; which < requests.size(); ++which) {
    auto looked_at = prepare(requests[which]);
    if (auto* const failure = std::get_if<RequestFailure>(&looked_at))
      return {which, std::move(*failure), {}};
    prepared.push_back(std::move(std::get<Prepared>(looked_at)));
    if (!streams.add(std::make_unique<Stream>(requests[which], prepared.back(), none, which, line)))
      return streams.end_last();
  }
  return streams.run_until(until);
}

}  // namespace oci_oauth
