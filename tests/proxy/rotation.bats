# SPDX-License-Identifier: Apache-2.0
# Rotations under load: no request fails. With requests_in_flight=1000 stream_seconds=60 for the figures in docs/proxy.md.
bats_require_minimum_version 1.5.0
load words

: "${stream_seconds:=8}" "${requests_in_flight:=200}" "${containers:=8}"

setup() {
    proxy_setup
    API=$BATS_TEST_TMPDIR/api
    mkdir "$API"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -keyout "$API/key.pem" -out "$API/cert.pem" 2>/dev/null
    cp "$API/cert.pem" /etc/ssl/certs/ca-certificates.crt
    node "$(dirname "$BATS_TEST_FILENAME")/api.mjs" "$API" "$SHARE/token" </dev/null >"$API/log" 2>&1 3>&- &
    api_pid=$!
    eventually --at "$API" test -s "$API/port"
    allow 'POST /v1/messages'
    edit_file /etc/oci-oauth/providers.d/claude.json ".api.url = \"https://localhost:$(<"$API/port")\" | .api.rate = \"60000/m\""
    start_proxy
}
teardown() {
    kill "$api_pid"
    has_ended "$api_pid"
    proxy_teardown
}

@test "none of hundreds of requests in flight fails over ten rotations" {
    ulimit -n 16384
    local number rotations sockets=()
    for ((number = 0; number < containers; number++)); do
        start "agent$number" --tmpfs "$target"
        sockets+=("$(socket_of "agent$number")")
    done
    node "$(dirname "$BATS_TEST_FILENAME")/ask.mjs" "$requests_in_flight" "$stream_seconds" "${sockets[@]}" \
        </dev/null >"$BATS_TEST_TMPDIR/asked" 2>"$BATS_TEST_TMPDIR/failed" 3>&- &
    local client=$!
    for ((rotations = 0; rotations < 10; rotations++)); do
        refreshed
        # Longer than most requests take, and shorter than a stream.
        timeout "$((stream_seconds / 15 + 1))" tail --pid "$client" -f /dev/null || true
    done
    kill "$client"
    has_ended "$client"
    echo "$rotations rotations: $(<"$BATS_TEST_TMPDIR/asked")" | tee -a "${PROXY_FIGURES:-/dev/null}"
    head -5 "$BATS_TEST_TMPDIR/failed"
    [[ $(<"$BATS_TEST_TMPDIR/asked") =~ ^whole\ [0-9]{3,},\ failed\ 0$ ]]
}

# No bound that a busy machine would break: the figures are for docs/proxy.md.
@test "a stream through the socket is compared with a direct one" {
    start agent --tmpfs "$target"
    NODE_NO_WARNINGS=1 node "$(dirname "$BATS_TEST_FILENAME")/measure.mjs" "$(<"$API/port")" "$API/cert.pem" "$SHARE/token" \
        "$(socket_of agent)" "${rounds:-20}" >"$BATS_TEST_TMPDIR/measured"
    cat "$BATS_TEST_TMPDIR/measured" >>"${PROXY_FIGURES:-/dev/null}"
    [[ $(grep -c 'through the socket' "$BATS_TEST_TMPDIR/measured") == 2 ]]
}
