# SPDX-License-Identifier: Apache-2.0
# The hook called with the worst environment that a process can be given: the token arrives all the same.
load world

# The hook's caller does COMMANDS (lines of shell) before it becomes the hook.
hook_after() {
    HOOK=$BATS_TEST_TMPDIR/caller
    printf '%s\n' '#!/bin/bash' "$@" "exec '$REAL_HOOK' \"\$@\"" >"$HOOK"
    chmod 755 "$HOOK"
}

token_arrives_after() {
    hook_after "$@"
    start "$BOX"
    has_current_token "$BOX"
}

readonly hostile_variables="
export LD_PRELOAD='${PRELOAD:-}' PRELOADED_INTO='/run/lab/preloaded' LD_LIBRARY_PATH=/nowhere GCONV_PATH=/nowhere \
MALLOC_PERTURB_=165 MALLOC_CHECK_=3 GLIBC_TUNABLES=glibc.malloc.check=3:glibc.malloc.perturb=165 LD_AUDIT=/nowhere/a.so \
SSL_CERT_FILE=/nowhere SSL_CERT_DIR=/nowhere CURL_CA_BUNDLE=/nowhere SSLKEYLOGFILE=/etc/oci-oauth-canary/keys \
HTTPS_PROXY=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1 ALL_PROXY=http://127.0.0.1:1 HOME=/etc/oci-oauth-canary \
OPENSSL_CONF=/nowhere OCI_OAUTH_CONFIG=/nowhere TZ=:/etc/oci-oauth-canary/file PATH=/nowhere TMPDIR=/etc/oci-oauth-canary"

nothing_was_preloaded() {
    [[ ! -e /run/lab/preloaded ]]
}

@test "hostile variables have no effect" {
    token_arrives_after "$hostile_variables"
    nothing_was_preloaded
}

# The refresher that the hook starts is a dynamic program that speaks TLS.
@test "hostile variables do not reach the refresher" {
    login_ends_in -60
    local before
    before=$(counted posts)
    token_arrives_after "$hostile_variables"
    [[ $(counted posts) == $((before + 1)) ]]
    nothing_was_preloaded
}

@test "low limits have no effect" {
    token_arrives_after 'ulimit -Sf 0 -Sn 5 -Sv 30000 -Sd 1000 -Ss 256 -Su 0 -Sc 0'
}

@test "closed stdout and stderr have no effect" {
    token_arrives_after 'exec >&- 2>&-'
}

@test "descriptors of the caller's have no effect" {
    token_arrives_after "for fd in {3..40}; do eval \"exec \$fd<>'$CANARY/file'\"; done"
}

@test "a umask, a directory, ignored signals and an alarm have no effect" {
    token_arrives_after 'umask 0777' "cd '$CANARY'" "trap '' HUP INT QUIT PIPE ALRM TERM USR1 USR2 CHLD"
}
