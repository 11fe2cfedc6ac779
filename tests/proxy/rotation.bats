# SPDX-License-Identifier: Apache-2.0
# Rotations under load: no request fails. With requests_in_flight=1000 stream_seconds=60 for the figures in docs/proxy.md.
bats_require_minimum_version 1.5.0
load words

: "${stream_seconds:=8}" "${requests_in_flight:=200}" "${containers:=8}"

setup() { streaming_setup; }
teardown() { streaming_teardown; }

@test "none of hundreds of requests in flight fails over ten rotations" {
    ulimit -n 16384
    local number rotations sockets=()
    for ((number = 0; number < containers; number++)); do
        start "agent$number" --tmpfs "$target"
        sockets+=("$(socket_of "agent$number")")
    done
    node "$proxy_tests/ask.mjs" "$requests_in_flight" "$stream_seconds" "${sockets[@]}" \
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
