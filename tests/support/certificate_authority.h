// SPDX-License-Identifier: Apache-2.0
// Certificates for TLS servers of the tests, so that a client under test verifies a real chain and no key is
// kept in the tree.
#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace oci_oauth::test {

struct OpensslFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL* connection) const { SSL_free(connection); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

template <typename T>
using OpensslPtr = std::unique_ptr<T, OpensslFree>;

struct KeyAndCertificate {
  OpensslPtr<EVP_PKEY> key;
  OpensslPtr<X509> certificate;
};

// An authority that exists only in this process. Each object has a key (P-256) of its own.
// Every function throws std::runtime_error where OpenSSL fails.
class CertificateAuthority {
 public:
  CertificateAuthority();

  // The authority's own certificate in PEM: the content of a client's CA file.
  std::string certificate_pem() const;

  // A server certificate, valid for a day. `names` is an RFC 5280 subjectAltName in OpenSSL's notation
  // (x509v3_config(5)), such as "DNS:localhost,IP:127.0.0.1".
  KeyAndCertificate issue(const std::string& names) const;

 private:
  KeyAndCertificate self_;
};

}  // namespace oci_oauth::test
