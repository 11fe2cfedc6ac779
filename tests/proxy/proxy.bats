# SPDX-License-Identifier: Apache-2.0
# Containers with neither token nor network, in front of the real nginx.
bats_require_minimum_version 1.5.0
load words

setup() {
    proxy_setup
    start_proxy
}
teardown() { proxy_teardown; }

@test "a container finds a socket and no token, and the proxy adds the live token" {
    start agent --tmpfs "$target"
    [[ $(inside agent ls -A "$target") == api.sock ]]
    run ! inside agent touch "$target/x"
    [[ $(ask agent /api/whoami --header 'Authorization: Bearer placeholder' --header 'x-api-key: k' \
        --header 'Cookie: c') == '{"authenticated":true}200' ]]
    [[ $(requests '.[-1].headers | [.authorization, ."x-api-key", .cookie]') == \
        "[\"Bearer $(current_token)\",null,null]" ]]

    refreshed
    [[ $(ask agent /api/whoami) == '{"authenticated":true}200' ]]
    [[ $(requests '.[-1].headers.authorization') == "\"Bearer $(current_token)\"" ]]
    eventually grep -q "claude $(id_of agent) GET /api/whoami 200 22$" "$PROXY_LOG"
    run ! grep -E 'Bearer|sk-ant|placeholder' "$PROXY_LOG"
    [[ $(oci_oauth status --json | jq -c '.profiles[0].containers[0] | [.delivery, .state, .reason]') == \
        '["socket","current",null]' ]]
}

@test "each container is known by its own socket, and one that has ended can no longer ask" {
    start one --tmpfs "$target"
    start two --tmpfs "$target"
    ask one /api/whoami
    ask two /v1/none
    eventually grep -q "claude $(id_of one) GET /api/whoami 200" "$PROXY_LOG"
    eventually grep -q "claude $(id_of two) GET /v1/none 403" "$PROXY_LOG"

    mkfifo "$BATS_TEST_TMPDIR/says"
    ask one /v1/messages --upload-file - <"$BATS_TEST_TMPDIR/says" 3>&- &
    local client=$!
    exec {says}>"$BATS_TEST_TMPDIR/says"
    stop one
    has_ended "$client"
    exec {says}>&-
    [[ $(oci_oauth status --json | jq -c '[.profiles[0].containers[] | [.id, .requests]]') == "[[\"$(id_of two)\",1]]" ]]
    [[ $(ask two /api/whoami) == *200 ]]
}

@test "a token that the API refuses is reported once, and the request is sent once more" {
    stop_proxy
    stop_endpoint
    rm -rf "$ENDPOINT" "$CREDENTIALS"
    a_published_login --expires-in 5
    login_ends_in 3600
    oci_oauth refresh
    start_proxy
    start agent --tmpfs "$target"
    local old before
    old=$(current_token) before=$(counted refreshes)
    expired() { [[ $(curl --silent --header "Authorization: Bearer $old" "$(api)/api/whoami") == *authentication_error* ]]; }
    eventually expired
    ask agent /api/whoami >"$BATS_TEST_TMPDIR/answer"
    [[ $(<"$BATS_TEST_TMPDIR/answer") == '{"authenticated":true}200' ]]
    [[ $(counted refreshes) == $((before + 1)) ]]
    [[ $(requests '.[-2:] | map(.headers.authorization)') == "[\"Bearer $old\",\"Bearer $(current_token)\"]" ]]
}

@test "without a token the proxy says so, and without a proxy the hook does" {
    start agent --tmpfs "$target"
    rm "$SHARE/token"
    [[ $(ask agent /api/whoami) == *'there is no valid token on this host'*503 ]]
    stop_proxy
    start late --tmpfs "$target"
    [[ $(status_of '.containers[] | select(.id == "'"$(id_of late)"'") | .state') == failed ]]
    logged | grep -q 'the proxy is not running'
}

@test "a client that knows only TCP finds the same socket at a port of the container's loopback interface" {
    stop_proxy
    a_socket_profile '.loopback_port = "8788"'
    edit_file /etc/oci-oauth/providers.d/claude.json '.api.environment = {BASE_URL: "http://127.0.0.1:{port}"}'
    start_proxy
    start agent --tmpfs "$target"
    start beside --tmpfs "$target"
    over_tcp() { nsenter --target "$(pid_of "$1")" --net curl --silent --max-time 20 http://127.0.0.1:8788/api/whoami; }
    [[ $(over_tcp agent) == '{"authenticated":true}' ]]
    [[ $(over_tcp beside) == '{"authenticated":true}' ]]
    eventually grep -q "claude $(id_of agent) GET /api/whoami 200" "$PROXY_LOG"
    eventually grep -q "claude $(id_of beside) GET /api/whoami 200" "$PROXY_LOG"
    run ! curl --silent --max-time 5 http://127.0.0.1:8788/api/whoami
}

@test "a profile that is added later is served without a restart" {
    start agent --tmpfs "$target"
    configure '.profiles.other = .profiles.claude + {provider: "claude", target: "/run/secrets/other"}'
    oci_oauth refresh
    start late --tmpfs /run/secrets/other
    answered() { [[ $(curl --silent --max-time 20 --unix-socket "/proc/$(pid_of late)/root/run/secrets/other/api.sock" http://x/api/whoami) == '{"authenticated":true}' ]]; }
    eventually answered
    [[ $(ask agent /api/whoami) == *200 ]]
    eventually grep -q "other $(id_of late) GET /api/whoami 200" "$PROXY_LOG"
}

@test "a container whose profile has no socket any more is served no longer, and again once it has" {
    start agent --tmpfs "$target"
    [[ $(ask agent /api/whoami) == *200 ]]
    is_served() { [[ $(ask agent /api/whoami) == *200 ]]; }
    is_not_served() { ! is_served; }
    edit_file "$CONFIG" 'del(.profiles.claude.delivery)'
    eventually is_not_served
    run ! grep claude "$PROXY/nginx.conf"
    run ask agent /api/whoami
    [[ $output == *000 ]]
    a_socket_profile
    eventually is_served
}

@test "the proxy may be the first program that a host runs" {
    stop_proxy
    umount "$(runtime_dir)/share" 2>/dev/null || true # root's
    rm -rf "$(runtime_dir)"
    start_proxy
    oci_oauth refresh
    start agent --tmpfs "$target"
    [[ $(ask agent /api/whoami) == *200 ]]
}

@test "the counts of each container's requests are in the metrics" {
    start agent --tmpfs "$target"
    ask agent /api/whoami
    ask agent /v1/none
    oci_oauth status --prometheus >"$BATS_TEST_TMPDIR/metrics"
    grep -qx "oci_oauth_proxy_requests_total{profile=\"claude\",container=\"$(id_of agent)\",result=\"passed\"} 1" "$BATS_TEST_TMPDIR/metrics"
    grep -qx "oci_oauth_proxy_requests_total{profile=\"claude\",container=\"$(id_of agent)\",result=\"refused\"} 1" "$BATS_TEST_TMPDIR/metrics"
    oci_oauth status | grep -qE "^$(id_of agent | cut -c 1-12) +claude +socket, 2 requests "
}

@test "a container has a socket for one profile and a token for another, of one login" {
    stop_proxy
    configure '.profiles.other = .profiles.claude + {provider: "claude", delivery: "token"}'
    oci_oauth refresh
    start_proxy
    start agent --tmpfs "$target" --tmpfs /run/secrets/other
    [[ $(inside agent ls -A "$target") == api.sock ]]
    [[ $(ask agent /api/whoami) == *200 ]]
    [[ $(token_in agent /run/secrets/other) == "$(current_token)" ]]
    refreshed
    [[ $(token_in agent /run/secrets/other) == "$(current_token)" ]]
    [[ $(ask agent /api/whoami) == *200 ]]
    [[ $(requests '.[-1].headers.authorization') == "\"Bearer $(current_token)\"" ]]
}
