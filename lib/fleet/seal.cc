// SPDX-License-Identifier: Apache-2.0
#include "fleet/seal.h"

#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "base/base64.h"
#include "base/fingerprint.h"
#include "base/fmt.h"
#include "base/text.h"
#include "fleet/store.h"

namespace oci_oauth {

namespace {

constexpr size_t key_size = 32, salt_size = 32, tag_size = 16, signature_size = 64;

template <auto Free>
struct Freed {
  void operator()(auto* object) const { Free(object); }
};
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, Freed<EVP_CIPHER_CTX_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Buffer = std::unique_ptr<BIO, Freed<BIO_free>>;
using PublicKey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

int size_of(std::string_view text) {
  return static_cast<int>(text.size());
}

Error failed(std::string_view what) {
  return {ErrorKind::failed, fmt::format("libcrypto: {} failed", what)};
}

Error refused(const std::string& shown, const std::string& why) {
  return {ErrorKind::failed, fmt::format("{}: {}", shown, why)};
}

std::string random_bytes(size_t size) {
  std::string bytes(size, '\0');
  for (size_t have = 0; have < size;) {
    const ssize_t count = ::getrandom(bytes.data() + have, size - have, 0);
    if (count > 0) have += static_cast<size_t>(count);
  }
  return bytes;
}

// HKDF-SHA256, RFC 5869.
Result<Secret> derive(const Secret& key, std::string_view salt, std::string_view purpose) {
  const KeyContext context(EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr));
  std::string derived(key_size, '\0');
  size_t size = key_size;
  const bool done =
      context && EVP_PKEY_derive_init(context.get()) == 1 &&
      EVP_PKEY_CTX_set_hkdf_md(context.get(), EVP_sha256()) == 1 &&
      EVP_PKEY_CTX_set1_hkdf_key(context.get(), bytes_of(key.reveal()), size_of(key.reveal())) == 1 &&
      EVP_PKEY_CTX_set1_hkdf_salt(context.get(), bytes_of(salt), size_of(salt)) == 1 &&
      EVP_PKEY_CTX_add1_hkdf_info(context.get(), bytes_of(purpose), size_of(purpose)) == 1 &&
      EVP_PKEY_derive(context.get(), bytes_of(derived), &size) == 1;
  Secret result(std::move(derived));
  if (!done) return failed("HKDF");
  return result;
}

// AES-256-GCM. The key seals one text only, so its nonce need not vary.
constexpr std::array<unsigned char, 12> no_nonce = {};

Result<std::string> encrypt(const Secret& key, std::string_view header, const Secret& text) {
  const Cipher cipher(EVP_CIPHER_CTX_new());
  const std::string_view plain = text.reveal();
  std::string sealed(plain.size() + tag_size, '\0');
  int size = 0;
  const bool done =
      cipher &&
      EVP_EncryptInit_ex2(cipher.get(), EVP_aes_256_gcm(), bytes_of(key.reveal()), no_nonce.data(),
                          nullptr) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, bytes_of(header), size_of(header)) == 1 &&
      EVP_EncryptUpdate(cipher.get(), bytes_of(sealed), &size, bytes_of(plain), size_of(plain)) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), bytes_of(sealed) + size, &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, tag_size, sealed.data() + plain.size()) == 1;
  if (!done) return failed("AES-256-GCM");
  return sealed;
}

// nullopt: it was not sealed with this key and this header.
std::optional<Secret> decrypt(const Secret& key, std::string_view header, std::string_view sealed) {
  if (sealed.size() < tag_size) return std::nullopt;
  const std::string_view data = sealed.substr(0, sealed.size() - tag_size);
  std::string tag(sealed.substr(data.size()));
  const Cipher cipher(EVP_CIPHER_CTX_new());
  std::string plain(data.size() + tag_size, '\0');
  int size = 0;
  const bool done =
      cipher &&
      EVP_DecryptInit_ex2(cipher.get(), EVP_aes_256_gcm(), bytes_of(key.reveal()), no_nonce.data(),
                          nullptr) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, bytes_of(header), size_of(header)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), bytes_of(plain), &size, bytes_of(data), size_of(data)) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, tag_size, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), bytes_of(plain) + size, &size) == 1;
  plain.resize(data.size());
  Secret text(std::move(plain));
  if (!done) return std::nullopt;
  return text;
}

std::string text_of(const auto& record) {
  return std::string(write_record(record).reveal());
}

// A seal covers the rest of the record as well, and a signature all of it.
template <class Record>
Result<void> close(Record& record, const Secret& text, const std::vector<Secret>& keys) {
  if (keys.empty()) return Error{ErrorKind::configuration, "there is no key to seal with"};
  const std::string salt = random_bytes(salt_size);
  record.seal = {key_id(keys.front()), base64(salt), ""};
  const Secret key = TRY(derive(keys.front(), salt, Record::purpose));
  record.seal.data = base64(TRY(encrypt(key, text_of(record), text)));
  return {};
}

template <class Record>
Result<Secret> open(Record& record, const std::vector<Secret>& keys, const std::string& shown) {
  const auto key = std::ranges::find(keys, record.seal.kid, key_id);
  if (key == keys.end())
    return refused(shown, fmt::format("is sealed with the key '{}', which is not here",
                                      record.seal.kid.substr(0, key_size)));
  const auto salt = from_base64(record.seal.salt), data = from_base64(record.seal.data);
  if (!salt || !data) return refused(shown, "its seal is broken");
  const Secret derived = TRY(derive(*key, *salt, Record::purpose));
  const std::string sealed = std::exchange(record.seal.data, "");
  auto text = decrypt(derived, text_of(record), *data);
  record.seal.data = sealed;
  if (!text) return refused(shown, "its seal is broken");
  return std::move(*text);
}

PublicKey signing_key(const Secret& key) {
  return PublicKey(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(key.reveal()), key.reveal().size()));
}

Result<std::string> sign(std::string_view text, const Secret& secret) {
  const PublicKey key = signing_key(secret);
  const Digest digest(EVP_MD_CTX_new());
  std::string signature(signature_size, '\0');
  size_t size = signature_size;
  const bool done =
      digest && key && EVP_DigestSignInit(digest.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
      EVP_DigestSign(digest.get(), bytes_of(signature), &size, bytes_of(text), text.size()) == 1;
  if (!done) return failed("Ed25519");
  return signature;
}

bool verify(std::string_view text, std::string_view signature, std::string_view signer) {
  const PublicKey key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(signer), signer.size()));
  const Digest digest(EVP_MD_CTX_new());
  return digest && key && EVP_DigestVerifyInit(digest.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(digest.get(), bytes_of(signature), signature.size(), bytes_of(text), text.size()) ==
             1;
}

// Takes the signature out of the record.
Result<void> check_signature(AccessRecord& access, const std::vector<Secret>& signers,
                             const std::string& shown) {
  const auto signer = std::ranges::find(signers, access.signer, key_id);
  if (signer == signers.end()) return refused(shown, "is not signed by a refresher that this host knows");
  const auto signature = from_base64(std::exchange(access.signature, ""));
  if (signature && verify(text_of(access), *signature, signer->reveal())) return {};
  return refused(shown, "its signature is not valid");
}

template <class Record>
Result<Record> read(std::string_view bytes, std::string_view profile, const std::string& shown) {
  if (bytes.size() > longest_record)
    return refused(shown, fmt::format("is larger than {} bytes", longest_record));
  auto record = TRY(read_record<Record>(bytes, shown));
  if (record.profile == profile) return record;
  return refused(shown, fmt::format("is a record of '{}'", record.profile));
}

}  // namespace

Result<std::vector<Secret>> read_keys(std::string_view text, const std::string& shown) {
  std::vector<Secret> keys;
  for (unsigned number = 1; !text.empty(); ++number) {
    const std::string_view line = next_line(text);
    if (line.empty() || line.starts_with('#')) continue;
    auto bytes = from_base64(line);
    if (!bytes || bytes->size() != key_size)
      return Error::configuration(
          fmt::format("{}: line {}: is not {} bytes in base64", shown, number, key_size));
    keys.emplace_back(std::move(*bytes));
  }
  if (keys.empty()) return Error::configuration(fmt::format("{}: contains no key", shown));
  return keys;
}

Result<FleetKeys> fleet_keys(const FleetAccess& fleet) {
  const auto read = [&](const Secret& text, const char* name) {
    return read_keys(text.reveal(), fmt::format("{}/{}", fleet.config.keys, name));
  };
  FleetKeys keys;
  keys.access = TRY(read(fleet.access, access_key_file));
  keys.signers = TRY(read(fleet.signers, signers_file));
  if (fleet.config.role == FleetRole::follower) return keys;
  keys.login = TRY(read(fleet.login, login_key_file));
  keys.signing = TRY(read(fleet.signing, signing_key_file));
  return keys;
}

std::string key_line(const Secret& key) {
  return base64(key.reveal()) + "\n";
}

Result<Time> end_of_certificate(std::string_view pem) {
  const Buffer buffer(BIO_new_mem_buf(pem.data(), size_of(pem)));
  const Certificate certificate(buffer ? PEM_read_bio_X509(buffer.get(), nullptr, nullptr, nullptr)
                                       : nullptr);
  tm end = {};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1)
    return Error{ErrorKind::failed, "is not a certificate"};
  return Time(std::chrono::seconds(::timegm(&end)));
}

Secret random_key() {
  return Secret(random_bytes(key_size));
}

std::string random_name() {
  return fingerprint(random_bytes(16)).substr(0, 32);
}

std::string key_id(const Secret& key) {
  return fingerprint(key).substr(0, 16);
}

Result<Secret> public_half(const Secret& signing) {
  const PublicKey key = signing_key(signing);
  std::string half(key_size, '\0');
  size_t size = key_size;
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), bytes_of(half), &size) != 1) return failed("Ed25519");
  return Secret(std::move(half));
}

Result<std::string> seal(LoginRecord login, const FleetKeys& keys) {
  TRY(close(login, login.document, keys.login));
  return text_of(login);
}

Result<std::string> seal(AccessRecord access, const FleetKeys& keys) {
  if (keys.signing.empty()) return Error{ErrorKind::configuration, "there is no key to sign with"};
  access.signer = key_id(TRY(public_half(keys.signing.front())));
  access.signature.clear();
  TRY(close(access, access.payload, keys.access));
  access.signature = base64(TRY(sign(text_of(access), keys.signing.front())));
  return text_of(access);
}

Result<LoginRecord> open_login(std::string_view bytes, std::string_view profile, const FleetKeys& keys) {
  const std::string shown = login_key(profile);
  auto login = TRY(read<LoginRecord>(bytes, profile, shown));
  login.document = TRY(open(login, keys.login, shown));
  return login;
}

Result<AccessRecord> open_access(std::string_view bytes, std::string_view profile, const FleetKeys& keys) {
  const std::string shown = access_key(profile);
  auto access = TRY(read<AccessRecord>(bytes, profile, shown));
  TRY(check_signature(access, keys.signers, shown));
  access.payload = TRY(open(access, keys.access, shown));
  return access;
}

}  // namespace oci_oauth
