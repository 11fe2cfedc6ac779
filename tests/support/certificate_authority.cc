// SPDX-License-Identifier: Apache-2.0
#include "support/certificate_authority.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

namespace oci_oauth::test {
namespace {

constexpr long hour = 3600;

struct Extension {
  int nid;
  std::string value;
};

void require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string("openssl: ") + what);
}

OpensslPtr<EVP_PKEY> make_key() {
  OpensslPtr<EVP_PKEY> key(EVP_EC_gen("P-256"));
  require(key != nullptr, "cannot make a key");
  return key;
}

void set_serial_number(X509* certificate) {
  std::uint32_t number = 0;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(&number), sizeof number) == 1, "no random numbers");
  require(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), number) == 1,
          "cannot set the serial number");
}

void set_common_name(X509* certificate, const std::string& name) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(name.data());
  require(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, bytes,
                                     static_cast<int>(name.size()), -1, 0) == 1,
          "cannot set the common name");
}

void add_extension(X509* certificate, X509* issuer, const Extension& extension) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, &context, extension.nid, extension.value.c_str());
  require(made != nullptr, "cannot make an extension");
  const int added = X509_add_ext(certificate, made, -1);
  X509_EXTENSION_free(made);
  require(added == 1, "cannot add an extension");
}

// Signed by `issuer`, or by itself if that is null.
KeyAndCertificate make_certificate(const std::string& name, const KeyAndCertificate* issuer,
                                   const std::vector<Extension>& extensions) {
  KeyAndCertificate made{make_key(), OpensslPtr<X509>(X509_new())};
  X509* certificate = made.certificate.get();
  require(certificate != nullptr && X509_set_version(certificate, X509_VERSION_3) == 1,
          "cannot make a certificate");
  X509* signer = issuer != nullptr ? issuer->certificate.get() : certificate;
  EVP_PKEY* signing_key = issuer != nullptr ? issuer->key.get() : made.key.get();

  set_serial_number(certificate);
  set_common_name(certificate, name);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -hour);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * hour);
  require(X509_set_issuer_name(certificate, X509_get_subject_name(signer)) == 1, "cannot set the issuer");
  require(X509_set_pubkey(certificate, made.key.get()) == 1, "cannot set the public key");
  for (const Extension& extension : extensions) add_extension(certificate, signer, extension);
  require(X509_sign(certificate, signing_key, EVP_sha256()) > 0, "cannot sign");
  return made;
}

}  // namespace

CertificateAuthority::CertificateAuthority()
    : self_(make_certificate("oci-oauth test authority", nullptr,
                             {{NID_basic_constraints, "critical,CA:TRUE"},
                              {NID_key_usage, "critical,keyCertSign"},
                              {NID_subject_key_identifier, "hash"}})) {}

std::string CertificateAuthority::certificate_pem() const {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), &BIO_free);
  require(memory && PEM_write_bio_X509(memory.get(), self_.certificate.get()) == 1, "cannot write PEM");
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

KeyAndCertificate CertificateAuthority::issue(const std::string& names) const {
  return make_certificate("oci-oauth test server", &self_,
                          {{NID_basic_constraints, "critical,CA:FALSE"},
                           {NID_key_usage, "critical,digitalSignature"},
                           {NID_ext_key_usage, "serverAuth"},
                           {NID_subject_alt_name, names},
                           {NID_authority_key_identifier, "keyid"}});
}

}  // namespace oci_oauth::test
