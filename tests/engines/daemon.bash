# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The words of the tests for a daemon of the test file's own.
#
#   start_daemon SOCKET COMMAND...   starts it, and waits until it listens
#   end_daemon                   ends it

readonly daemon_start_seconds=120 daemon_files=/run/lab/daemon

start_daemon() {
    mkdir -p "$daemon_files"
    "${@:2}" </dev/null >"$daemon_files/log" 2>&1 3>&- &
    echo $! >"$daemon_files/pid"
    mkdir -p "${1%/*}"
    event_wait_seconds=$daemon_start_seconds eventually --at "${1%/*}" test -S "$1" ||
        { cat "$daemon_files/log" >&2 && return 1; }
}

end_daemon() {
    kill "$(<"$daemon_files/pid")"
    has_ended "$(<"$daemon_files/pid")"
    rm -r "$daemon_files"
}
