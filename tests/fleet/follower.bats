# SPDX-License-Identifier: Apache-2.0
# A host that follows, beside real members: what it publishes, and what it never does.
load words
load hosts

setup_file() { make_keys; }
setup() {
    make_host "$BATS_TEST_NUMBER"
    host=$BATS_TEST_NUMBER
}
teardown() {
    end_host "$host"
    etcd_call 1 kv/deleterange '{"key":"AA==","range_end":"AA=="}' >/dev/null || true
}
# Generations go on from test to test, as in a fleet.
next() {
    generation=$(($(cat "$LAB/generation" 2>/dev/null || echo 0) + 1))
    echo "$generation" >"$LAB/generation"
}
publish_next() {
    next
    publish "$generation" "$@"
}
has() { eventually has_token "$host" "$generation"; }

@test "a host publishes what is there, and each next record as soon as it is written" {
    publish_next
    start_host "$host"
    has
    publish_next
    has
    publish_next
    has
}

@test "between the arrival of a record and its token are 8 system calls" {
    publish_next
    start_host "$host"
    has
    strace --output "$LAB/calls" --attach "$(<"$HOSTS/$host/pid")" 3>&- &
    tracer=$!
    eventually grep -Pq '^TracerPid:\t[1-9]' "/proc/$(<"$HOSTS/$host/pid")/status"
    publish_next
    has
    kill "$tracer"
    wait "$tracer" || true
    calls=$(awk '/^recvfrom/ {n = 0; next} {++n} /^renameat.*"token"/ {print n; exit}' "$LAB/calls")
    echo "$calls" && sed -n '/^recvfrom/,$p' "$LAB/calls"
    ((1 < calls && calls <= 8))
}

@test "the process that follows has no privilege, and its files are its own" {
    publish_next
    start_host "$host"
    has
    grep -Pq '^Uid:\t59998\t59998\t59998\t59998$' "/proc/$(cat "$HOSTS/$host/pid")/status"
    grep -Pq '^CapEff:\t0+$' "/proc/$(cat "$HOSTS/$host/pid")/status"
    [[ $(stat --format %a "$HOSTS/$host/kept" "$HOSTS/$host/kept/claude") == $'700\n600' ]]
    ! grep -rq "token-$generation" "$HOSTS/$host/kept"
}

@test "under root, the process that talks to the store is nobody" {
    publish_next
    chown -R root:root "$HOSTS/$host" && mkdir "$LAB/root-keys" && cp "$LAB/host-keys/"* "$LAB/root-keys/"
    jq --arg keys "$LAB/root-keys" '.fleet.keys = $keys | .fleet.key_file = $keys + "/client.key" | .fleet.certificate_file = $keys + "/client.pem"' "$HOSTS/$host/config.json" >"$HOSTS/$host/config"
    STATE_DIRECTORY=$HOSTS/$host/kept "$follower" --config "$HOSTS/$host/config" >"$HOSTS/$host/log" 2>&1 3>&- &
    echo $! >"$HOSTS/$host/pid"
    has
    child=$(pgrep -P "$(cat "$HOSTS/$host/pid")")
    grep -Pq '^Uid:\t65534\t65534\t65534\t65534$' "/proc/$child/status"
    grep -Pq '^CapEff:\t0+$' "/proc/$child/status"
    grep -Pq '^NoNewPrivs:\t1$' "/proc/$child/status"
    publish_next
    has
    replace_keys "$LAB/root-keys"
    has
}

@test "forged records and garbage change nothing, are told once, and the next good one is taken" {
    publish_next
    start_host "$host"
    has
    good=$generation
    publish_next forged
    eventually grep -q 'signed' "$HOSTS/$host/log"
    publish_next garbage
    eventually grep -q 'is larger than' "$HOSTS/$host/log"
    has_token "$host" "$good"
    publish_next
    has
}

# replace_keys HOST_KEYS: the fleet's access key and signer are others; the old ones are still there.
replace_keys() {
    "$FLEET_STORE" keys "$LAB/next-keys-$BATS_TEST_NUMBER"
    local name
    for name in access.key signers; do cat "$LAB/next-keys-$BATS_TEST_NUMBER/$name" >>"$1/$name"; done
    next
    "$FLEET_STORE" publish "$LAB/next-keys-$BATS_TEST_NUMBER" "$generation"
}

@test "keys that are replaced while a host follows are used" {
    publish_next
    start_host "$host"
    has
    replace_keys "$LAB/host-keys"
    has
    publish_next
    has
}

@test "an older record is not published, and is told" {
    publish_next
    publish_next
    start_host "$host"
    has
    publish $((generation - 1))
    eventually grep -q 'is older' "$HOSTS/$host/log"
    has_token "$host" "$generation"
}

@test "a host that starts without the store has the last token" {
    publish_next
    start_host "$host"
    has
    end_host "$host"
    rm -rf "$HOSTS/$host/run"
    add_namespace alone 10.77.1.1
    cut alone
    start_host "$host" alone
    has
}
