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

using Multi = std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)>;

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

class Stream final : public Transfer {
 public:
  Stream(const HttpRequest& request, const Prepared& prepared, const RequestEvents& events,
         const std::function<bool(const Arrival&)>& part)
      : Transfer(request, prepared, events), part_(part) {
    set(CURLOPT_TIMEOUT_MS, 0L);
    set(CURLOPT_NOPROGRESS, 1L);
  }

  RequestResult follow(SteadyTime until) {
    if (code_ == CURLE_OK) {
      const Multi multi(curl_multi_init(), curl_multi_cleanup);
      if (multi == nullptr || curl_multi_add_handle(multi.get(), easy_.get()) != CURLM_OK) {
        code_ = CURLE_OUT_OF_MEMORY;
      } else {
        run_until(multi.get(), until);
        curl_multi_remove_handle(multi.get(), easy_.get());
      }
    }
    return code_ == CURLE_OK || is_enough_ ? RequestResult(reply(Secret())) : RequestResult(failure());
  }

 private:
  bool take(std::string_view bytes) override {
    has_part_ = true;
    is_enough_ = !part_({status(), header("Date"), bytes});
    return !is_enough_;
  }
  void prepare_socket(curl_socket_t socket) const override { keep_alive(socket); }
  void run_until(CURLM* multi, SteadyTime until);

  const std::function<bool(const Arrival&)>& part_;
  bool has_part_ = false, is_enough_ = false;
};

// curl_easy_perform(3) would wake up each second.
void Stream::run_until(CURLM* multi, SteadyTime until) {
  const SteadyTime first_part = std::chrono::steady_clock::now() + request_.total_timeout;
  for (int running = 1; running > 0;) {
    if (curl_multi_perform(multi, &running) != CURLM_OK || running == 0) break;
    const auto left = std::chrono::ceil<Milliseconds>((has_part_ ? until : std::min(first_part, until)) -
                                                      std::chrono::steady_clock::now());
    if (left <= Milliseconds(0)) {
      is_enough_ = has_part_ || first_part > until;
      code_ = is_enough_ ? CURLE_OK : CURLE_OPERATION_TIMEDOUT;
      return;
    }
    curl_multi_poll(multi, nullptr, 0, static_cast<int>(std::min(left, Milliseconds(1h)).count()), nullptr);
  }
  int queued = 0;
  const CURLMsg* const message = curl_multi_info_read(multi, &queued);
  code_ = message != nullptr ? message->data.result : CURLE_RECV_ERROR;
}

}  // namespace

RequestResult follow_answer(const HttpRequest& request, SteadyTime until,
                            const std::function<bool(const Arrival&)>& part) {
  const auto prepared = prepare(request);
  if (const auto* const failure = std::get_if<RequestFailure>(&prepared)) return *failure;
  return Stream(request, std::get<Prepared>(prepared), {}, part).follow(until);
}

}  // namespace oci_oauth
