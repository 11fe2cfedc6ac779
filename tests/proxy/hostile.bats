# SPDX-License-Identifier: Apache-2.0
# What a container with a socket, and the host's other users, try.
bats_require_minimum_version 1.5.0
load words

setup() {
    proxy_setup
    start_proxy
    start agent --tmpfs "$target"
}
teardown() { proxy_teardown; }

# send TEXT: the text, with printf's escapes, as the container sends it; prints the answer.
send() {
    # shellcheck disable=SC2059
    printf "$1" | node "$proxy_tests/raw.mjs" "$(socket_of agent)"
}
no_secret() { ! grep -F -e "$(current_token)" -e sk-ant; }

@test "no answer has the token, and nothing but what is allowed arrives at the API" {
    local end='Host: localhost\r\nConnection: close\r\n\r\n' attempt before long many number
    long=$(printf '%9000s' | tr ' ' a)
    for number in {1..8}; do many+="X$number: ${long::8000}\r\n"; done
    before=$(requests length)
    for attempt in \
        "TRACE /api/whoami HTTP/1.1\r\n$end" \
        "CONNECT api.example.com:443 HTTP/1.1\r\n$end" \
        "OPTIONS * HTTP/1.1\r\n$end" \
        "GET /.token HTTP/1.1\r\n$end" \
        "GET /.again HTTP/1.1\r\nX-Rejected: Bearer x\r\n$end" \
        "GET /token/claude HTTP/1.1\r\n$end" \
        "GET /api/../.token HTTP/1.1\r\n$end" \
        "GET /api/whoami/../../.token HTTP/1.1\r\n$end" \
        "GET /api/whoami%%2f..%%2f..%%2fv1 HTTP/1.1\r\n$end" \
        "GET //api/whoami HTTP/1.1\r\n$end" \
        "GET /api/whoam%%69 HTTP/1.1\r\n$end" \
        "POST /v1/oauth/token HTTP/1.1\r\nContent-Length: 0\r\n$end" \
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" \
        "PROXY TCP6 fd00::0:2 fd00:: 1 1\r\nGET /api/whoami HTTP/1.1\r\n$end" \
        "GET /api/whoami HTTP/1.1\r\nX: $long\r\n$end" \
        "GET /$long HTTP/1.1\r\n$end" \
        "GET /api/whoami HTTP/1.1\r\n$many$end" \
        "GET /api/whoami HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n$end" \
        "GET /api/whoami HTTP/1.1\r\n folded: x\r\n$end" \
        "GET /api/whoami\t HTTP/1.1\r\n$end" \
        "GET http:///.token HTTP/1.1\r\n$end" \
        "GET /api/whoami#/.token HTTP/1.1\r\n$end" \
        "GET /api/whoami HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" \
        "GET /api/whoami HTTP/9.9\r\n$end" \
        "GET /v1/models/..;/x HTTP/1.1\r\n$end" \
        "GET /v1/models/%%2e%%2e HTTP/1.1\r\n$end" \
        "GET /v1/models/.. HTTP/1.1\r\n$end" \
        "GET /v1/models//x HTTP/1.1\r\n$end" \
        "GET /v1/models/a\\\\b HTTP/1.1\r\n$end" \
        "GET /API/WHOAMI HTTP/1.1\r\n$end" \
        "get /api/whoami HTTP/1.1\r\n$end" \
        "POST /api/whoami HTTP/1.1\r\nContent-Length: 0\r\n$end" \
        "GET /api/whoami HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n" \
        "POST /v1/messages HTTP/1.1\r\nContent-Length: 4294967295\r\n$end" \
        "\\000\\001\\002\r\n\r\n"; do
        send "$attempt" >"$BATS_TEST_TMPDIR/answer" 2>&1
        no_secret <"$BATS_TEST_TMPDIR/answer"
        [[ $(requests length) == "$before" ]] || { echo "arrived: $attempt" && false; }
    done
    no_secret <"$PROXY_LOG"
}

@test "an absolute target, another Host and a smuggled request reach no other place" {
    local answer
    send 'GET http://evil.example/api/whoami HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil\r\nConnection: close\r\n\r\n' |
        grep -q '"authenticated":true'
    [[ $(requests '.[-1] | [.path, .headers.host]') == "[\"/api/whoami\",\"$(api | sed 's,https://,,')\"]" ]]

    # The second request is the body of the first, or is refused by itself.
    answer=$(send 'POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nPOST /v1/oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')
    no_secret <<<"$answer"
    answer=$(send 'POST /v1/messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\nPOST /v1/oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')
    no_secret <<<"$answer"
    [[ $(control requests | jq '[.[] | select(.path == "/v1/oauth/token" and .headers.authorization != null)] | length') == 0 ]]
}

@test "a second request on the connection is judged by itself" {
    local answer
    answer=$(send 'GET /api/whoami HTTP/1.1\r\nHost: a\r\n\r\nPOST /v1/oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    [[ $(grep -o 'HTTP/1.1 [0-9]*' <<<"$answer" | paste -sd ' ') == 'HTTP/1.1 200 HTTP/1.1 403' ]]
    [[ $(control requests | jq '[.[] | select(.path == "/v1/oauth/token" and .headers.authorization != null)] | length') == 0 ]]
}

@test "the limit of a container is not another's" {
    stop_proxy
    edit_file /etc/oci-oauth/providers.d/claude.json '.api.rate = "2/m"'
    start_proxy
    start agent2 --tmpfs "$target"
    start other --tmpfs "$target"
    local number
    for number in {1..6}; do ask agent2 /api/whoami && echo; done >"$BATS_TEST_TMPDIR/answers"
    [[ $(grep -c '200$' "$BATS_TEST_TMPDIR/answers") == 3 && $(grep -c '429$' "$BATS_TEST_TMPDIR/answers") == 3 ]]
    [[ $(ask other /api/whoami) == *200 ]]
}

# Root with all capabilities, in the container's mount namespace: more than a container has.
@test "the socket's file system leads to no other file by its handle" {
    start other --tmpfs "$target"
    local file handles=()
    cp "$INTRUDER" "$(rootfs_of agent)/bin/intruder"
    for file in "$(dirname "$(socket_of agent)")" "$(dirname "$(socket_of other)")" "$(socket_of other)" "$SHARE" "$SHARE/token" \
        "$CREDENTIALS" "$PROXY/nginx.conf" /etc/passwd; do
        handles+=("$("$INTRUDER" handle "$file")")
    done
    # shellcheck disable=SC2016
    nsenter --target "$(pid_of agent)" --mount --root /bin/sh -c \
        'for handle; do /bin/intruder open '"$target"' "$handle"; done; true' sh "${handles[@]}" >"$BATS_TEST_TMPDIR/opened"
    cat "$BATS_TEST_TMPDIR/opened"
    [[ $(head -n 1 "$BATS_TEST_TMPDIR/opened") == 'opened: '* ]]
    [[ $(tail -n +2 "$BATS_TEST_TMPDIR/opened" | grep -c 'open_by_handle_at: Stale file handle') == 7 ]]
}

@test "a container that was not chosen reaches neither socket nor port of another one" {
    stop_proxy
    a_socket_profile '.loopback_port = "8788"'
    start_proxy
    start chosen --tmpfs "$target"
    start stranger
    at_port() { nsenter --target "$(pid_of "$1")" --net curl --silent --max-time 5 http://127.0.0.1:8788/api/whoami; }
    [[ $(at_port chosen) == '{"authenticated":true}' ]]
    run at_port stranger
    ((status == 7)) # refused
    run ! inside stranger ls "$target"
    # It sees no process of another container, and may enter nothing of it.
    run inside stranger sh -c "ls /proc/$(pid_of chosen)"
    ((status != 0))
}

# Frameworks take these for the request's own method and path.
@test "no header asks for another method or path" {
    local name
    for name in X-HTTP-Method-Override X-HTTP-Method X-Method-Override X-Original-URL X-Rewrite-URL; do
        ask agent /api/whoami --header "$name: /v1/organizations" >/dev/null
        [[ $(requests ".[-1].headers.\"${name,,}\"") == null ]] || { echo "arrived: $name" && false; }
    done
}

@test "a body in chunks arrives as a whole, without what a client hides in extensions and trailers" {
    send 'POST /v1/messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization\r\nExpect: 100-continue\r\nConnection: close, x-api-key, host\r\nX-Api-Key: k\r\n\r\n4;ext=1;Host: b\r\nabcd\r\n0\r\nAuthorization: Bearer mine\r\nX-Api-Key: mine\r\n\r\n' >/dev/null
    [[ $(requests '.[-1] | [.path, .body, .headers.host]') == "[\"/v1/messages\",\"abcd\",\"$(api | sed 's,https://,,')\"]" ]]
    [[ $(requests '.[-1].headers | [."transfer-encoding", .trailer, .expect, ."x-api-key", ."content-length"]') == '[null,null,null,null,"4"]' ]]
    [[ $(requests '.[-1].headers.authorization') == "\"Bearer $(current_token)\"" ]]
}

# Versions of nginx differ in which of these they refuse.
@test "credentials of the container's own do not arrive, however they are spelled" {
    local attempt
    for attempt in 'Authorization: Bearer one\r\nauthorization: Bearer two' 'Authorization : Bearer one' 'Cookie: a=b\r\nCookie: c=d' \
        'X_Api_Key: k' 'Authorization: Bearer one\r\n Bearer two' 'authorization:Bearer one'; do
        send "GET /api/whoami HTTP/1.1\r\nHost: a\r\n$attempt\r\nConnection: close\r\n\r\n" >/dev/null
    done
    (($(requests length) > 0))
    [[ $(requests 'map(.headers | select(.authorization != "Bearer '"$(current_token)"'" or .cookie or .x_api_key)) | length') == 0 ]]
}

@test "headers for the next hop are dropped, and so is a cookie of the answer" {
    ask agent /api/whoami --header 'Connection: keep-alive, authorization' --header 'Upgrade: websocket' --header 'TE: trailers' \
        --header 'Proxy-Authorization: Basic eDp5' --header 'Keep-Alive: 5' >/dev/null
    [[ $(requests '.[-1].headers | [.upgrade, .te, ."proxy-authorization", ."keep-alive", .connection]') == '[null,null,null,null,null]' ]]
    [[ $(requests '.[-1].headers.authorization') == "\"Bearer $(current_token)\"" ]]
}

@test "a container that opens all its connections takes none from another one" {
    start other --tmpfs "$target"
    ulimit -n 4096
    node -e 'for (let i = 0; i < 2000; i++) require("net").connect(process.argv[1]).on("error", () => {});
        setTimeout(() => process.exit(), 15000)' "$(socket_of agent)" 3>&- &
    local crowd=$!
    eventually taken
    [[ $(ask other /api/whoami) == *200 ]]
    kill "$crowd"
    has_ended "$crowd"
    freed() { [[ $(ask agent /api/whoami) == *200 ]]; }
    eventually freed
}
taken() { (($(find "/proc/$proxy/fd" | wc -l) > 500)); }

@test "other users of the host reach neither the sockets nor the token" {
    local file
    for file in "$(runtime_dir)/proxy.sock" "$PROXY/claude.sock" "$PROXY/token.sock" "$(socket_of agent)"; do
        run setpriv --reuid 59999 --regid 59999 --clear-groups curl --silent --max-time 5 --unix-socket "$file" http://x/token/claude
        ((status != 0))
    done
    [[ -z $(find "$(runtime_dir)" -name api.sock) ]]
}
