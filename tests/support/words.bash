# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The words that all shell tests share, whether bats or a script of their own runs them.
#
#   eventually [--at PATH]... COMMAND...   waits until COMMAND succeeds, $event_wait_seconds at most. Looks at each change of
#                                          a PATH (else of `watched_places`), and each second for what no file shows
#   has_ended PID                          waits until a process has ended, a child's or not
#   on_terminal COMMAND...                 runs COMMAND on a pseudo-terminal, with no shell in its foreground group that would
#                                          get the same keys, whatever the caller's $SHELL is
#
#   start_endpoint [OPTION]...   a token endpoint with its files in $ENDPOINT (token-endpoint --help)
#   stop_endpoint                ends it: its port refuses
#   control REQUEST [CURL_OPTION]...   a request below /control/ (tests/support/control_api.h)
#   counted COUNTER              what the endpoint has counted
#   script STEP                  queues a step (JSON)
#   edit_file FILE FILTER        rewrites a JSON file in place by a jq FILTER: owner, mode and inode stay
#   expire_in SECONDS FILE       rewrites what a login says about its access token's lifetime; below zero: expired
#
#   write_spec BUNDLE FILTER [JQ_OPTION]...   BUNDLE/config.json: `crun spec` without a terminal and without limits that need
#                                          CAP_SYS_RESOURCE, changed by a jq FILTER. It may use `hook($path; $options; $stage)`
#   rootfs DIR                   makes DIR a root file system: busybox, and the directories that engines mount on

# What holds ends the wait at once: long enough for a busy machine.
: "${event_wait_seconds:=60}"

watched_places() { :; }

eventually() {
    local places=() deadline=$((SECONDS + event_wait_seconds)) events watcher status=0
    while [[ $1 == --at ]]; do
        places+=("$2")
        shift 2
    done
    ! "$@" || return 0
    ((${#places[@]})) || mapfile -t places < <(watched_places)
    # Open for writing too, it never ends: what cannot be watched is looked at each second.
    exec {events}<> <(exec inotifywait --monitor --format . "${places[@]}" </dev/null 2>&1 3>&-)
    watcher=$!
    until "$@"; do
        ((SECONDS <= deadline)) || { status=1 && break; }
        read -r -t 1 -u "$events" || true
    done
    kill "$watcher" 2>/dev/null || true
    exec {events}>&-
    return "$status"
}

has_ended() {
    wait "$1" 2>/dev/null || (($? != 127)) || timeout "$event_wait_seconds" tail --pid "$1" -f /dev/null
}

on_terminal() {
    SHELL=/bin/bash command script --quiet --return --flush --command "exec ${*@Q}" /dev/null 3>&-
}

start_endpoint() {
    mkdir -p "$ENDPOINT"
    "$TOKEN_ENDPOINT" "$ENDPOINT" "$@" </dev/null >"$ENDPOINT/log" 2>&1 3>&- &
    eventually --at "$ENDPOINT" test -s "$ENDPOINT/ready"
}

stop_endpoint() {
    local pid
    [[ -s $ENDPOINT/ready ]] || return 0
    pid=$(<"$ENDPOINT/ready")
    rm "$ENDPOINT/ready"
    kill "$pid" 2>/dev/null || true # a test may have
    has_ended "$pid"
}

control() {
    curl --silent --show-error --cacert "$ENDPOINT/ca.pem" "$(sed 's,/v1/.*,,' "$ENDPOINT/url")/control/$1" "${@:2}"
}
counted() { control counters | jq ".$1"; }
script() { control script --data "$1" >/dev/null; }

edit_file() {
    local content
    content=$(jq "$2" "$1")
    echo "$content" >"$1"
}
expire_in() { edit_file "$2" ".claudeAiOauth.expiresAt = ((now + ($1)) * 1000 | floor)"; }

write_spec() {
    rm -f "$1/config.json"
    "${SPEC_COMMAND[@]:-crun}" spec --bundle "$1"
    # shellcheck disable=SC2016 # jq expands it
    jq 'def hook($path; $options; $stage):
            [{$path, args: (["oci-oauth-hook"] + $options + [$stage]), env: ["PATH=/usr/bin:/bin"], timeout: 15}];
        del(.process.rlimits) | .process.terminal = false | '"$2" "${@:3}" <"$1/config.json" >"$1/config.json.new"
    mv "$1/config.json.new" "$1/config.json"
}

rootfs() {
    mkdir -p "$1"/{bin,dev,etc,proc,run,sys,tmp,var/tmp}
    cp "$(command -v busybox)" "$1/bin/busybox"
    chroot "$1" /bin/busybox --install -s /bin
}
