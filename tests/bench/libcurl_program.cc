// SPDX-License-Identifier: Apache-2.0
// An empty program that is linked to libcurl: what the hook would cost at least if it did the exchange
// itself.
#include <curl/curl.h>

int main() {
  return curl_version() == nullptr;
}
