# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Each test has a syslog of its own at the lab's /dev/log.

start_syslog() {
    busybox syslogd -n -O "$SYSLOG" </dev/null >/dev/null 2>&1 3>&- &
    SYSLOG_PID=$!
    eventually --at /dev is_open_to_all
}

stop_syslog() {
    kill "$SYSLOG_PID" 2>/dev/null || true # an interrupted run has ended it already
    wait "$SYSLOG_PID" || true
    rm -f /dev/log
}

# syslogd makes the socket first, and lets other users write to it then.
is_open_to_all() { [[ $(stat --dereference --format=%F:%a /dev/log 2>/dev/null) == socket:666 ]]; }

# Datagrams keep their order: once a mark of our own has come, all that was sent before it has come too.
logged() {
    local mark=end-of-log-$BASHPID-$RANDOM
    busybox logger "$mark"
    eventually --at "${SYSLOG%/*}" grep -q "$mark" "$SYSLOG"
    grep -v 'end-of-log-' "$SYSLOG" || true
}
