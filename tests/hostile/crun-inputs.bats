# SPDX-License-Identifier: Apache-2.0
# The hook called with states and bundles of any shape: it exits with 0, says why, and leaves the host as it is.
load world

hook_reads() { "$HOOK" "${HOOK_ARGS[@]}" createRuntime; }

# state_says TEXT STATE
state_says() {
    printf %s "$2" | hook_reads
    says "$1"
}

large_state_says() {
    head -c 10485760 /dev/zero | tr '\0' '[' | hook_reads
    says "$1"
}

# bundle_says TEXT COMMAND...: COMMAND makes config.json in the current directory.
bundle_says() {
    local directory=$BATS_TEST_TMPDIR/bundle
    rm -rf "$directory"
    mkdir "$directory"
    (cd "$directory" && "${@:2}")
    state_says "$1" "{\"id\": \"c\", \"pid\": $$, \"bundle\": \"$directory\"}"
    [[ ! -e $(runtime_dir)/containers/c.json ]]
}

config_json() { printf %s "$1" >config.json; }
large_config_json() { truncate -s 50M config.json; }
linked_bundle() {
    mkdir real
    printf %s '{"root": {"path": "/"}}' >real/config.json
    ln -s real/config.json config.json
}

process_says() {
    local directory=$BATS_TEST_TMPDIR/bundle
    mkdir -p "$directory"
    printf %s '{"root": {"path": "/"}}' >"$directory/config.json"
    state_says "$2" "{\"id\": \"c\", \"pid\": $1, \"bundle\": \"$directory\"}"
    [[ ! -e $target ]]
}

@test "an empty state" {
    state_says 'state: is empty' ''
}

@test "a state that is cut off" {
    state_says 'state:1:' '{"id": "c", "bundle": "/'
}

@test "a state of 10 MiB" {
    large_state_says 'state: is larger than'
}

@test "a state without a bundle" {
    state_says "bundle '' is not an absolute path" '{"id": "c", "pid": 1}'
}

@test "a state whose id climbs" {
    state_says 'has no valid container id' '{"id": "../c", "pid": 1, "bundle": "/b"}'
}

@test "a state whose pid is text" {
    state_says 'state: /pid: is not an integer' '{"id": "c", "pid": "1", "bundle": "/b"}'
}

@test "a closed stdin" {
    hook_reads <&-
    says 'state: Bad file descriptor'
}

@test "a bundle that is not there" {
    state_says '/nowhere/config.json: No such file' '{"id": "c", "pid": 1, "bundle": "/nowhere"}'
}

@test "a config.json that is a FIFO" {
    bundle_says 'is a FIFO, not a regular file' mkfifo config.json
}

@test "a config.json that is a directory" {
    bundle_says 'is a directory, not a regular file' mkdir config.json
}

@test "a config.json of 50 MiB" {
    bundle_says 'is larger than' large_config_json
}

@test "a config.json that is cut off" {
    bundle_says 'config.json:1:' config_json '{"root": {"path":'
}

@test "a config.json whose mounts are no array" {
    bundle_says "/mounts: is not an array" config_json '{"root": {"path": "/"}, "mounts": {}}'
}

@test "a config.json behind a link" {
    bundle_says "is in the host's mount namespace" linked_bundle
}

@test "a pid of the host's" {
    process_says 1 "is in the host's mount namespace"
}

@test "the pid 0" {
    process_says 0 'the state does not name a process of the container'
}

@test "a pid that is gone" {
    true &
    wait $!
    process_says $! 'No such process'
}
