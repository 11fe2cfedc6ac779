# SPDX-License-Identifier: Apache-2.0
# Debian's nginx with the installed configuration, kept current by the installed script as an exec sink.
bats_require_minimum_version 1.5.0
load words

setup() {
    sinks_setup
    a_login
    a_profile
    sink "{exec: [\"$proxy_files/oci-oauth-proxy-token\"]}"
}
teardown() { sinks_teardown; }

whoami_requests() { control requests | jq -c '[.[] | select(.path == "/api/whoami")]'; }
answers() { [[ $(ask http://127.0.0.1:8788/api/whoami) == "$1" ]]; }
sends_current_token() {
    ask http://127.0.0.1:8788/api/whoami >/dev/null
    [[ $(whoami_requests | jq -r '.[-1].headers.authorization') == "Bearer $(current_token)" ]]
}

@test "the proxy puts the live token in, at each refresh, and nothing of the client's credentials passes" {
    proxy_for "$(sed 's,/v1/.*,,' "$ENDPOINT/url")" 'GET /api/whoami'
    trust "$ENDPOINT/ca.pem"
    start_nginx
    [[ $(ask http://127.0.0.1:8788/api/whoami) == *'no access token yet'*503 ]]
    [[ $(whoami_requests) == '[]' ]]

    oci_oauth refresh
    eventually answers '{"authenticated":true}200'
    [[ $(whoami_requests | jq -c '.[-1].headers | [.authorization, ."x-api-key", .cookie]') == \
        "[\"Bearer $(current_token)\",null,null]" ]]
    [[ $(stat -c '%U %a' /run/oci-oauth-proxy /run/oci-oauth-proxy/claude.conf | tr '\n' ' ') == 'root 700 root 600 ' ]]

    refreshed
    eventually sends_current_token
    [[ $(ls /run/oci-oauth-proxy) == claude.conf ]]
    grep -q '"GET /api/whoami" 200' /var/log/nginx/oci-oauth.log
    run ! grep -rE 'Bearer|placeholder|of the container' /var/log/nginx
}

@test "an upstream that cannot be verified gets no token" {
    local identity
    for identity in other-authority other-host; do
        stop_endpoint
        rm -rf "$ENDPOINT"
        a_login --identity "$identity"
        trust "$ENDPOINT/ca.pem"
        proxy_for "$(sed 's,/v1/.*,,' "$ENDPOINT/url")" 'GET /api/whoami'
        OCI_OAUTH_PROFILE=claude "$proxy_files/oci-oauth-proxy-token" /run/oci-oauth-proxy true <<<made-up
        if [[ -e /run/nginx.pid ]]; then nginx -s stop && eventually --at /run test ! -e /run/nginx.pid; fi
        start_nginx
        [[ $(ask http://127.0.0.1:8788/api/whoami) == *502 ]]
        grep -q 'upstream SSL certificate' /var/log/nginx/error.log
        rm /var/log/nginx/error.log
        control() { curl --silent --insecure "$(sed 's,/v1/.*,,' "$ENDPOINT/url")/control/$1"; }
        [[ $(whoami_requests) == '[]' ]]
    done
}

@test "a large body passes without a file, and one too large is refused" {
    proxy_for "$(sed 's,/v1/.*,,' "$ENDPOINT/url")" 'GET /api/whoami'
    trust "$ENDPOINT/ca.pem"
    OCI_OAUTH_PROFILE=claude "$proxy_files/oci-oauth-proxy-token" /run/oci-oauth-proxy true <<<"$(current_token)"
    start_nginx
    mount -o remount,ro /var/lib/nginx # where a temporary file would be
    truncate -s 20M "$BATS_TEST_TMPDIR/body"
    [[ $(ask --request GET --data-binary "@$BATS_TEST_TMPDIR/body" http://127.0.0.1:8788/api/whoami) == *200 ]]
    truncate -s 65M "$BATS_TEST_TMPDIR/body"
    [[ $(ask --request GET --data-binary "@$BATS_TEST_TMPDIR/body" http://127.0.0.1:8788/api/whoami) == *413 ]]
}

# What arrives at the API is what counts: a path that nginx would read otherwise than the API is refused.
@test "only what the provider lists passes, however a request is spelled" {
    local url request
    url=$(sed 's,/v1/.*,,' "$ENDPOINT/url")
    proxy_for "$url"
    trust "$ENDPOINT/ca.pem"
    OCI_OAUTH_PROFILE=claude "$proxy_files/oci-oauth-proxy-token" /run/oci-oauth-proxy true <<<"$(current_token)"
    start_nginx
    send() { printf '%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$1" | socket 8788; }
    socket() { exec 7<>"/dev/tcp/127.0.0.1/$1" && cat >&7 && timeout 20 cat <&7 && exec 7>&-; }
    for request in 'POST /v1/messages' 'POST /v1/messages?beta=true' 'POST /v1/messages/count_tokens' 'GET /v1/models' \
        'GET /v1/models/claude-x?a=/../b'; do
        [[ $(send "$request") == 'HTTP/1.1 404 '* ]] || { echo "$request: $(send "$request")" && false; } # the endpoint's own
    done
    local passed
    passed=$(control requests | jq length)
    for request in 'GET /v1/messages' 'DELETE /v1/models/x' 'POST /v1/models' 'GET /' 'GET /api/whoami' 'POST /v1/organizations' \
        'POST /v1/messages/' 'POST //v1/messages' 'POST /v1/messages/..' 'POST /v1/messages/../organizations' \
        'POST /v1/organizations/../messages' 'POST /v1/messages%2f..%2forganizations' 'POST /v1/mess%61ges' 'POST /V1/messages' \
        'GET /v1/models/a/b' 'GET /v1/models/..%2f..' 'POST /v1/messagesX' 'OPTIONS *'; do
        [[ $(send "$request") =~ ^HTTP/1.1\ (403|400|405)\  ]] || { echo "$request: $(send "$request")" && false; }
    done
    [[ $(send 'POST /v1/organizations') == *'"type":"permission_error"'* ]]
    [[ $(control requests | jq length) == "$passed" ]]
}

@test "an answer streams event by event, and an open stream outlives a refresh" {
    issue_certificate "$BATS_TEST_TMPDIR/api" api.anthropic.com
    trust "$BATS_TEST_TMPDIR/api/cert.pem"
    echo '127.0.0.1 api.anthropic.com' >>/etc/hosts
    cp "$proxy_files/oci-oauth-proxy.conf" /etc/nginx/conf.d/
    local api=$BATS_TEST_TMPDIR/api
    mkfifo "$api/says"
    openssl s_server -accept 127.0.0.1:443 -cert "$api/cert.pem" -key "$api/key.pem" -quiet \
        <"$api/says" >"$api/heard" 2>&1 3>&- &
    local server=$!
    exec {says}>"$api/says"
    oci_oauth refresh 2>/dev/null
    local first_token
    first_token=$(current_token)
    start_nginx
    curl --silent --no-buffer --max-time 50 http://127.0.0.1:8788/v1/messages --data '{"stream":true}' \
        >"$api/received" 3>&- &
    local client=$!
    eventually --at "$api" grep -q '"stream":true' "$api/heard"
    grep -q "^Authorization: Bearer $first_token" "$api/heard"
    grep -q '^Host: api.anthropic.com' "$api/heard"

    printf 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: one\n\n' >&"$says"
    eventually --at "$api" grep -q 'data: one' "$api/received"
    local before
    before=$(pgrep -P "$(cat /run/nginx.pid)" | sort)
    refreshed
    new_workers() { [[ $(pgrep -P "$(cat /run/nginx.pid)" | sort) != "$before" ]]; }
    eventually new_workers
    grep -q "$(current_token)" /run/oci-oauth-proxy/claude.conf
    printf 'data: two\n\n' >&"$says"
    eventually --at "$api" grep -q 'data: two' "$api/received"
    kill "$server"
    exec {says}>&-
    wait "$client" || true
}

@test "without a running nginx the token is there for its start, and the sink says what is wrong" {
    proxy_for "$(sed 's,/v1/.*,,' "$ENDPOINT/url")" 'GET /api/whoami'
    trust "$ENDPOINT/ca.pem"
    run oci_oauth refresh
    ((status == 0))
    [[ $output == *"sink 'exec $proxy_files/oci-oauth-proxy-token': exit status 1: "*'/run/nginx.pid'* ]]
    start_nginx
    answers '{"authenticated":true}200'
    oci_oauth refresh
    [[ $(sink_state .failures) == 0 ]]
}

@test "what is not a bearer token changes nothing" {
    token() { OCI_OAUTH_PROFILE=claude "$proxy_files/oci-oauth-proxy-token" /run/oci-oauth-proxy "${@:-true}"; }
    token <<<abc
    local text
    for text in '' 'a b' 'a";evil' "\$host" $'a\nb' "$(printf '%5000s' | tr ' ' a)"; do
        run token < <(printf %s "$text")
        ((status == 1))
        [[ $output == 'the token is'* ]]
    done
    grep -q 'Bearer abc"' /run/oci-oauth-proxy/claude.conf
    run token false <<<def
    ((status == 1))
}
