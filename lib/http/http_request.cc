// SPDX-License-Identifier: Apache-2.0
#include "http/http_request.h"

#include <utility>

#include "http/transfer.h"

namespace oci_oauth {

namespace {

class WholeAnswer final : public Transfer {
 public:
  using Transfer::Transfer;

  RequestResult perform() {
    if (code_ == CURLE_OK) code_ = curl_easy_perform(easy_.get());
    if (code_ == CURLE_OK) return reply(Secret(std::move(received_)));
    wipe(received_);
    return failure();
  }

 private:
  bool take(std::string_view bytes) override {
    is_too_large_ = bytes.size() > request_.longest_answer - received_.size();
    if (is_too_large_) return false;
    append_secret(received_, bytes);
    if (events_.arriving) events_.arriving({status(), header("Date"), received_});
    return true;
  }

  std::string received_;
};

}  // namespace

RequestResult send_request(const HttpRequest& request, const RequestEvents& events) {
  auto prepared = prepare(request);
  if (auto* const failure = std::get_if<RequestFailure>(&prepared)) return std::move(*failure);
  return WholeAnswer(request, std::get<Prepared>(prepared), events).perform();
}

}  // namespace oci_oauth
