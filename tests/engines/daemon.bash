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
    timeout "$daemon_start_seconds" sh -c 'until [ -S "$1" ]; do kill -0 "$2" && sleep 0.05 || exit; done' - "$1" "$!" ||
        { cat "$daemon_files/log" >&2 && return 1; }
}

end_daemon() {
    kill "$(<"$daemon_files/pid")"
    tail --pid "$(<"$daemon_files/pid")" -f /dev/null
    rm -r "$daemon_files"
}
