# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# needs: nginx curl openssl node
# The words of oauth.bash, and more:
#
#   a_socket_profile [FILTER]    configures profile `claude` with delivery "socket", and its provider with the endpoint as API
#   allow REQUEST...             the requests that the provider allows; for a proxy that is started afterwards
#   start_proxy, stop_proxy      oci-oauth-proxy of the operator
#   socket_of NAME               its api.sock, as the host can reach it
#   ask NAME PATH [OPTION]...    a request of the container to the proxy: prints body and status
#   streaming_setup, streaming_teardown   the same, and a started proxy, with the API of api.mjs, which streams
#   requests FILTER              what the API has been asked, without what belongs to the token endpoint

load ../runtimes/oauth
readonly proxy_tests=${BASH_SOURCE[0]%/*}

proxy_setup() {
    oauth_setup
    proxy_variables
    a_published_login
}

proxy_variables() {
    PROXY_LOG=$BATS_TEST_TMPDIR/proxy.log
    PROXY=$(runtime_dir)/proxy
}

a_published_login() {
    a_login "$@"
    cp "$ENDPOINT/ca.pem" /etc/ssl/certs/ca-certificates.crt
    a_socket_profile
    allow 'GET /api/whoami' 'POST /v1/messages' 'GET /v1/models/*'
    oci_oauth refresh
}

proxy_teardown() {
    stop_proxy
    oauth_teardown
}

streaming_setup() {
    proxy_setup
    API=$BATS_TEST_TMPDIR/api
    mkdir "$API"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -keyout "$API/key.pem" -out "$API/cert.pem" 2>/dev/null
    cp "$API/cert.pem" /etc/ssl/certs/ca-certificates.crt
    node "$proxy_tests/api.mjs" "$API" "$SHARE/token" </dev/null >"$API/log" 2>&1 3>&- &
    api_pid=$!
    eventually --at "$API" test -s "$API/port"
    allow 'POST /v1/messages'
    edit_file /etc/oci-oauth/providers.d/claude.json ".api.url = \"https://localhost:$(<"$API/port")\" | .api.rate = \"60000/m\""
    start_proxy
}

streaming_teardown() {
    kill "$api_pid"
    has_ended "$api_pid"
    proxy_teardown
}

a_socket_profile() { a_profile ".delivery = \"socket\" | ${1:-.}"; }

api() { sed 's,/v1/.*,,' "$ENDPOINT/url"; }

allow() {
    mkdir -p /etc/oci-oauth/providers.d
    grep -v '^ *//' "$OCI_OAUTH_PREFIX/share/oci-oauth/providers/claude.json" |
        jq --arg url "$(api)" '.api.url = $url | .api.requests = $ARGS.positional' --args -- "$@" \
            >/etc/oci-oauth/providers.d/claude.json
}

start_proxy() {
    # shellcheck disable=SC2016
    as_operator sh -c 'echo $$ && exec "$@"' sh "$OCI_OAUTH_PREFIX/libexec/oci-oauth/oci-oauth-proxy" --config "$CONFIG" \
        </dev/null >"$PROXY_LOG" 2>&1 3>&- &
    eventually --at "$(runtime_dir)" is_ready || { cat "$PROXY_LOG" && false; }
    proxy=$(head -n1 "$PROXY_LOG")
}
is_ready() { [[ -S $(runtime_dir)/proxy.sock ]]; }

stop_proxy() {
    [[ ${proxy:-} ]] || return 0
    kill "$proxy" 2>/dev/null || true
    has_ended "$proxy"
    rm -f "$(runtime_dir)/proxy.sock"
    proxy=
}

socket_of() { echo "/proc/$(pid_of "$1")/root$target/api.sock"; }
ask() {
    curl --silent --max-time 20 --write-out '%{http_code}' --unix-socket "$(socket_of "$1")" "http://localhost$2" "${@:3}"
}
requests() { control requests | jq -c "[.[] | select(.path | startswith(\"/v1/oauth\") | not)] | $1"; }
