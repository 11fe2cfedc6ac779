# SPDX-License-Identifier: Apache-2.0
# What an API answers, and what the proxy makes of it. The API is a stand-in.
bats_require_minimum_version 1.5.0
load words

setup() {
    streaming_setup
    start agent --tmpfs "$target"
}
teardown() { streaming_teardown; }

@test "no answer of the API makes nginx show what it has, or go elsewhere" {
    ask agent /v1/messages --data hostile --include >"$BATS_TEST_TMPDIR/answer"
    cat "$BATS_TEST_TMPDIR/answer"
    [[ $(tail -n 1 "$BATS_TEST_TMPDIR/answer") == 'of the API302' ]]
    grep -qix $'location: https://evil.example/\r' "$BATS_TEST_TMPDIR/answer"
    run ! grep -iE 'set-cookie|bearer|x-authorization' "$BATS_TEST_TMPDIR/answer"
    [[ $(grep -c 'POST /v1/messages' "$PROXY_LOG") == 1 ]]
}

@test "hundreds of requests whose token is refused cause one refresh, and each is answered" {
    ulimit -n 16384
    local client before old
    before=$(counted refreshes) old=$(current_token)
    node "$proxy_tests/ask.mjs" 200 5 "$(socket_of agent)" </dev/null >"$BATS_TEST_TMPDIR/asked" 2>"$BATS_TEST_TMPDIR/failed" 3>&- &
    client=$!
    are_answered() { (($(grep -c 'POST /v1/messages 200' "$PROXY_LOG") >= 100)); }
    eventually are_answered
    echo "$old" >"$API/revoked"
    has_new_token() { [[ $(current_token) != "$old" ]]; }
    eventually has_new_token
    kill "$client"
    has_ended "$client"
    head -5 "$BATS_TEST_TMPDIR/failed"
    [[ $(<"$BATS_TEST_TMPDIR/asked") =~ ^whole\ [0-9]{3,},\ failed\ 0$ ]]
    [[ $(counted refreshes) == $((before + 1)) ]]
    [[ $(grep -c 'the API refused the token' "$PROXY_LOG") == 1 ]]
}

@test "a connection to the API is kept for the next request, and closed while nobody asks" {
    connections() { ss -Htn state established "dport = :$(<"$API/port")" | wc -l; }
    for _ in 1 2 3; do ask agent /v1/messages --data 0 >/dev/null; done
    (($(connections) > 0 && $(connections) <= $(nproc)))
    are_closed() { (($(connections) == 0)); }
    eventually are_closed
}

@test "an API that cannot be reached is answered 502, and said in the log" {
    edit_file /etc/oci-oauth/providers.d/claude.json '.api.url = "https://no-such-host.invalid"'
    is_reloaded() { grep -q 'no-such-host' "$PROXY/nginx.conf"; }
    eventually is_reloaded
    fails() { [[ $(ask agent /v1/messages --data 0) == *502 ]]; }
    eventually fails
    grep -q "warning: profile 'claude': no-such-host.invalid: " "$PROXY_LOG"
}
