// SPDX-License-Identifier: Apache-2.0
// What the stores in etcd and in Kubernetes do alike. A request goes to one server after the other, for 2 s
// each and a pause that it asks for, until one answers; what may have been written is never sent twice.
// Private to this layer.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "config/config.h"
#include "fleet/store.h"
#include "http/http_request.h"

namespace oci_oauth {

// A value of etcd's is 1.5 MiB at most, unless its administrator wants more, and a Secret 1 MiB, which a
// client's `kubectl apply` may have noted again; base64 makes them larger.
constexpr size_t longest_answer = 4 * MiB;

class HttpStore : public RecordStore {
 public:
  Result<StoreSight> examine() override;

 protected:
  struct Engine {
    std::string name, version_member;  // of the answer at /version
    Error not_such;                    // of an answer that is not one
  };
  // Begins with any of the servers, so that many hosts are spread over them.
  HttpStore(Engine engine, std::vector<std::string> servers, FleetConfig config, ClientIdentity identity);

  // `path`: what follows the server in the URL.
  virtual Result<HttpRequest> request(const char* method, std::string path, Secret body) const;
  // Why an answer is not a success.
  virtual Error refusal(const HttpReply& reply) const = 0;

  // The first answer that `read` takes.
  auto ask(HttpRequest request, const auto& read) -> decltype(read(HttpReply())) {
    return in_turn([&, path = request.url](const std::string& server) -> decltype(read(HttpReply())) {
      request.url = server + path;
      return read(TRY(answer(request)));
    });
  }
  // `meaning`: of an answer; nullopt: a refusal, and certainly nothing was written.
  Result<Written> write_once(HttpRequest request,
                             const std::function<std::optional<Written>(const HttpReply&)>& meaning);
  // `read`: the changes in a line of the answer to one of the requests.
  using ReadLine = std::function<Result<std::vector<KeyChange>>(size_t which, std::string_view line)>;
  Result<void> follow_changes(std::vector<HttpRequest> requests, SteadyTime deadline, const ReadLine& read,
                              const Changed& changed);

  // `reasons`, and what is wrong with the server whose turn it is.
  Error and_also(Error reasons, const Error& why) const;

  const FleetConfig config_;

 private:
  Result<HttpReply> answer(const HttpRequest& request) const;
  Result<void> follow_here(const std::vector<HttpRequest>& requests, SteadyTime deadline,
                           const ReadLine& read, const Changed& changed) const;
  void go_on() { at_ = (at_ + 1) % servers_.size(); }

  // Until one answers, or fails in a way that no other would make good: any kind but temporary.
  auto in_turn(const auto& once) -> decltype(once(std::string())) {
    Error reasons = {ErrorKind::temporary, ""};
    for (size_t tried = 0; tried < servers_.size(); ++tried) {
      auto done = once(servers_[at_]);
      if (done) return done;
      reasons = and_also(std::move(reasons), done.error());
      go_on();
      if (done.error().kind != ErrorKind::temporary) break;
    }
    return reasons;
  }

  const Engine engine_;
  const std::vector<std::string> servers_;
  const ClientIdentity identity_;
  size_t at_;  // the server that is asked first: the last one that answered
};

std::unique_ptr<RecordStore> open_etcd(const FleetConfig& config, ClientIdentity identity);
std::unique_ptr<RecordStore> open_kubernetes(const FleetConfig& config, ClientIdentity identity);

}  // namespace oci_oauth
