# SPDX-License-Identifier: Apache-2.0
# What the proxy costs: the figures of docs/proxy.md, which `./dev bench` asks for with more rounds, containers and starts. No
# bound that a busy machine would break. They go to PROXY_FIGURES, if it is set.
bats_require_minimum_version 1.5.0
load words

: "${rounds:=20}" "${containers:=10}" "${starts:=5}"

setup() { streaming_setup; }
teardown() { streaming_teardown; }

figure() { echo "$1" | tee -a "${PROXY_FIGURES:-/dev/null}"; }

@test "a stream through the socket is compared with a direct one" {
    start agent --tmpfs "$target"
    NODE_NO_WARNINGS=1 node "$proxy_tests/measure.mjs" "$(<"$API/port")" "$API/cert.pem" "$SHARE/token" \
        "$(socket_of agent)" "$rounds" >"$BATS_TEST_TMPDIR/measured"
    (($(grep -c 'through the socket' "$BATS_TEST_TMPDIR/measured") >= 3))
    figure "$(<"$BATS_TEST_TMPDIR/measured")"
}

# KiB of the proxy and of nginx, each page divided among those who share it (PSS, proc_pid_smaps(5)).
memory() {
    local pid kilobytes=0
    for pid in "$proxy" $(pgrep --parent "$proxy") $(pgrep --parent "$(pgrep --parent "$proxy")"); do
        ((kilobytes += $(awk '$1 == "Pss:" { print $2 }' "/proc/$pid/smaps_rollup")))
    done
    echo "$kilobytes"
}

@test "the memory of the proxy is counted, without containers, with many, and with a stream of each" {
    ulimit -n 16384
    local number sockets=() before idle streaming client
    before=$(memory)
    for ((number = 0; number < containers; number++)); do
        start "agent$number" --tmpfs "$target"
        sockets+=("$(socket_of "agent$number")")
    done
    idle=$(memory)
    node "$proxy_tests/ask.mjs" "$containers" 1 "${sockets[@]}" </dev/null >"$BATS_TEST_TMPDIR/asked" 3>&- &
    client=$!
    are_asking() { (($(find "/proc/$proxy/fd" | wc -l) >= 6 * containers)); }
    eventually are_asking
    streaming=$(memory)
    kill "$client"
    has_ended "$client"
    figure "memory: $before KiB without containers, $idle KiB with $containers, $streaming KiB with a stream of each"
    # Not compared: what the programs have freed by then differs by more than a container needs.
    ((before > 0 && idle > 0 && streaming > 0))
}

# milliseconds COMMAND...
milliseconds() {
    local began=${EPOCHREALTIME/./}
    "$@"
    echo $(((${EPOCHREALTIME/./} - began) / 10)) | sed -E 's/(..)$/.\1/'
}
quartiles() { sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 3) / 4)], "and", value[int((NR + 1) / 2)], "ms" }'; }

@test "a container's start with a socket is compared with one with a token, and with one without the hook" {
    local turn kind
    configure '.profiles.other = .profiles.claude + {provider: "claude", delivery: "token"}'
    oci_oauth refresh
    bundle socket --tmpfs "$target" -- true
    bundle token --tmpfs /run/secrets/other -- true
    HOOK='' bundle none --tmpfs "$target" -- true
    for ((turn = 0; turn < starts; turn++)); do
        for kind in socket token none; do
            milliseconds as_operator "$bundle_runtime" run --bundle "$(bundle_of $kind)" "$kind" </dev/null >>"$BATS_TEST_TMPDIR/$kind.ms" 3>&-
        done
    done
    figure "a container's start, first quartile and median: socket $(quartiles <"$BATS_TEST_TMPDIR/socket.ms"), token $(quartiles <"$BATS_TEST_TMPDIR/token.ms"), no hook $(quartiles <"$BATS_TEST_TMPDIR/none.ms")"
    [[ $(status_of '.containers | length') == 0 ]]
    grep -c . "$BATS_TEST_TMPDIR/socket.ms"
}
