// SPDX-License-Identifier: Apache-2.0
// Stands in for a OneCLI server, which cannot be had here: one secret, and the requests and answers of the
// API as its public sources have them (onecli/onecli, packages/api/src/routes/secrets.ts), over HTTP or real
// TLS.
#pragma once

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "support/certificate_authority.h"

namespace oci_oauth::test {

struct OneCliRequest {
  std::string method, path, authorization, content_type, body;
};

struct OneCliSettings {
  bool tls = true;
  std::string prefix = "/v1/secrets/";  // older servers: "/api/secrets/"
  std::string secret_id = "secret-1";
  std::string api_key = {};  // empty: local mode, which asks for none
  int fails_with = 0;        // answers this status, and the request, to everything
};

// Listens from construction to destruction.
class OneCliServer {
 public:
  explicit OneCliServer(OneCliSettings settings);
  ~OneCliServer();

  std::string url() const;     // "https://localhost:PORT"
  std::string ca_pem() const;  // for TLS
  std::vector<OneCliRequest> requests() const;

 private:
  void serve();
  void serve_connection(int socket);
  std::string answer(const OneCliRequest& request) const;

  const OneCliSettings settings_;
  const CertificateAuthority authority_;
  OpensslPtr<SSL_CTX> context_;
  UniqueFd listener_, stop_;
  mutable std::mutex mutex_;
  std::vector<OneCliRequest> requests_;
  std::thread thread_;
};

}  // namespace oci_oauth::test
