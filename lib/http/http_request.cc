// SPDX-License-Identifier: Apache-2.0
#include "http/http_request.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>

#include "http/transfer.h"

namespace oci_oauth {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

class Stream {
 public:
  Stream(CURLM* multi, const HttpRequest& request, size_t which, const TakeLine& line)
      : multi_(multi),
        which_(which),
        line_(line),
        longest_line_(request.longest_answer),
        begins_by_(steady_clock::now() + request.total_timeout),
        transfer_(request, no_events_, [this](std::string_view bytes) { return take(bytes); }) {
    transfer_.set(CURLOPT_TIMEOUT_MS, 0L);
    // A server that has vanished is noticed after 48 s, with the nine probes of tcp(7).
    transfer_.set(CURLOPT_TCP_KEEPALIVE, 1L);
    transfer_.set(CURLOPT_TCP_KEEPIDLE, 30L);
    transfer_.set(CURLOPT_TCP_KEEPINTVL, 2L);
    const bool is_added = !transfer_.has_failed() && curl_multi_add_handle(multi, handle()) == CURLM_OK;
    if (!is_added) transfer_.end(CURLE_OUT_OF_MEMORY);
  }
  ~Stream() { curl_multi_remove_handle(multi_, handle()); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  CURL* handle() const { return transfer_.handle(); }
  SteadyTime begins_by() const { return begins_by_; }
  bool has_begun() const { return transfer_.status() != 0; }
  bool has_failed() const { return transfer_.has_failed(); }

  StreamEnd end(CURLcode code) {
    transfer_.end(code);
    const bool is_answered = is_enough_ || !has_failed();
    return {which_,
            is_answered ? RequestResult(transfer_.reply(Secret())) : RequestResult(transfer_.failure()),
            std::move(rest_)};
  }

 private:
  bool take(std::string_view bytes) {
    for (size_t end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
      rest_ += bytes.substr(0, end);
      bytes.remove_prefix(end + 1);
      is_enough_ = !rest_.empty() && !line_(which_, rest_);
      rest_.clear();
      if (is_enough_) return false;
    }
    rest_ += bytes;
    return rest_.size() <= longest_line_;
  }

  CURLM* const multi_;
  const size_t which_;
  const TakeLine& line_;
  const size_t longest_line_;
  const SteadyTime begins_by_;
  const RequestEvents no_events_ = {};
  std::string rest_;
  bool is_enough_ = false;
  Transfer transfer_;
};

}  // namespace

RequestResult send_request(const HttpRequest& request, const RequestEvents& events) {
  std::string received;
  Transfer transfer(request, events, [&](std::string_view bytes) {
    if (bytes.size() > request.longest_answer - received.size()) return false;
    append_secret(received, bytes);
    if (events.arriving) events.arriving({transfer.status(), transfer.header("Date"), received});
    return true;
  });
  if (!transfer.has_failed()) transfer.end(curl_easy_perform(transfer.handle()));
  Secret body(std::move(received));
  return transfer.has_failed() ? RequestResult(transfer.failure())
                               : RequestResult(transfer.reply(std::move(body)));
}

// curl_easy_perform(3) would wake up each second.
StreamEnd follow_lines(const std::vector<HttpRequest>& requests, SteadyTime until, const TakeLine& line) {
  const std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi(curl_multi_init(), curl_multi_cleanup);
  std::deque<Stream> streams;
  for (const HttpRequest& request : requests) {
    Stream& stream = streams.emplace_back(multi.get(), request, streams.size(), line);
    if (stream.has_failed()) return stream.end(CURLE_OK);
  }
  while (true) {
    int running = 0, queued = 0;
    const bool can_go_on = curl_multi_perform(multi.get(), &running) == CURLM_OK;
    if (const CURLMsg* const message = curl_multi_info_read(multi.get(), &queued); message != nullptr)
      return std::ranges::find(streams, message->easy_handle, &Stream::handle)->end(message->data.result);
    if (!can_go_on) return streams.front().end(CURLE_RECV_ERROR);
    Stream* next = nullptr;  // whose answer has to begin first
    for (Stream& stream : streams) {
      const bool is_earlier = next == nullptr || stream.begins_by() < next->begins_by();
      if (!stream.has_begun() && is_earlier) next = &stream;
    }
    const SteadyTime wakes = next == nullptr ? until : std::min(next->begins_by(), until);
    const auto left = std::chrono::ceil<Milliseconds>(wakes - steady_clock::now());
    if (left <= Milliseconds(0))
      return wakes < until ? next->end(CURLE_OPERATION_TIMEDOUT) : streams.front().end(CURLE_OK);
    curl_multi_poll(multi.get(), nullptr, 0, static_cast<int>(std::min(left, Milliseconds(1h)).count()),
                    nullptr);
  }
}

}  // namespace oci_oauth
