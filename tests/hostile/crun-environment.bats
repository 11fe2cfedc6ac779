# SPDX-License-Identifier: Apache-2.0
# The hook called with the worst environment that a process can be given: the token arrives all the same.
load world

# Its owner may run it with anything; who it talks to and whom it trusts stands in the configuration.
@test "the refresher trusts its configuration alone" {
    env SSL_CERT_FILE=/nowhere SSL_CERT_DIR=/nowhere CURL_CA_BUNDLE=/nowhere HTTPS_PROXY=http://127.0.0.1:1 \
        https_proxy=http://127.0.0.1:1 ALL_PROXY=http://127.0.0.1:1 SSLKEYLOGFILE="$CANARY/keys" HOME="$CANARY" \
        "$OCI_OAUTH_PREFIX/bin/oci-oauth" --config "$CONFIG" refresh --force claude
}
