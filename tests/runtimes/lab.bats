# SPDX-License-Identifier: Apache-2.0
# The lab itself: its containers are what a test asks for, and the hook is called in each.
load lab

# A hook that keeps what it is given below $SEEN.
record_hooks() {
    SEEN=$XDG_RUNTIME_DIR/seen
    install -d -o "$OPERATOR_ID" "$SEEN"
    HOOK=$BATS_TEST_TMPDIR/recorder
    HOOK_ARGS=(--into "$SEEN")
    printf '%s\n' '#!/bin/sh' 'cat >"$2/$3.json"' 'env >"$2/$3.env"' >"$HOOK"
    chmod 755 "$HOOK"
}

refuse_containers() {
    HOOK=$BATS_TEST_TMPDIR/refuser
    printf '%s\n' '#!/bin/sh' 'cat >/dev/null' 'exit 1' >"$HOOK"
    chmod 755 "$HOOK"
}

@test "the hook is called when a container is created and when it has gone" {
    record_hooks
    start box
    [[ $(jq -r .id "$SEEN/createRuntime.json") == "$(id_of box)" ]]
    [[ ! -e $SEEN/poststop.json ]]
    stop box
    [[ $(jq -r .status "$SEEN/poststop.json") == stopped ]]
}

@test "the hook has the environment of its entry and nothing else of the caller's" {
    record_hooks
    start box
    run grep -vE '^(PATH|PWD|SHLVL|_)=' "$SEEN/createRuntime.env"
    [[ -z $output ]]
}

@test "a failing hook prevents the container" {
    refuse_containers
    run start box
    ((status != 0))
    [[ $output == *hook* ]]
}

@test "an annotation reaches the hook" {
    record_hooks
    start box --annotation org.example.key=a=b
    [[ $(jq -r '.annotations["org.example.key"]' "$SEEN/createRuntime.json") == a=b ]]
}

@test "the container's first process prints what it was asked for" {
    HOOK=
    [[ $(once -- echo hello world) == 'hello world' ]]
    start box -- sh -c 'echo hello; exec sleep infinity'
    printed() { [[ $(output_of box) == hello ]]; }
    eventually printed
}

@test "pid_of names the first process of a container" {
    HOOK=
    start box
    # A runtime says that it runs before the program is executed.
    is_named() { [[ $(tr '\0' ' ' <"/proc/$(pid_of box)/cmdline") == *'sleep infinity '* ]]; }
    eventually is_named
}

@test "a read-only root takes no file" {
    HOOK=
    start box --read-only
    run inside box touch /etc/file
    [[ $output == *'Read-only file system'* ]]
}

@test "a container's user is the one asked for" {
    HOOK=
    start box --read-only --user 1000:1000
    [[ $(inside box id -u) == 1000 ]]
    [[ $(inside box id -g) == 1000 ]]
}

@test "a tmpfs and a bind mount are where they were asked for" {
    HOOK=
    echo content >"$BATS_TEST_TMPDIR/file"
    start box --tmpfs /run/scratch --volume "$BATS_TEST_TMPDIR:/mnt/host:ro"
    [[ $(inside box cat /mnt/host/file) == content ]]
    inside box grep -q ' /run/scratch tmpfs' /proc/mounts
    run inside box touch /mnt/host/file
    [[ $output == *'Read-only file system'* ]]
}

@test "syslog shows what the operator logs" {
    as_operator busybox logger -t tester 'hello log'
    [[ $(logged) == *'tester: hello log' ]]
}
