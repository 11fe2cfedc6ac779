#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A refresher that is stopped, or killed, before each of its calls that matter, while others refresh: ./dev faults fleet.
load refreshers

setup_file() { begin_hosts; }
teardown_file() { end_hosts; }
setup() { renew_hosts; }
teardown() { leave_hosts; }

# What an exchange does to the store, the endpoint and the disk.
readonly calls='connect sendto write fdatasync renameat rename poll read recvfrom'

# interrupted SIGNAL CALL WHEN: a forced refresh of host one.
interrupted() {
    strace --follow-forks --quiet=all --output /dev/null --inject "$2:signal=$1:when=$3" \
        "$oci_oauth" refresh --force --config "$BATS_FILE_TMPDIR/one/config.json" >/dev/null 2>&1 3>&-
}
# Whether the token was sent is unknown: a person logs in again.
settle() {
    of one refresh >/dev/null 2>&1 || true
    [[ $(shown refreshing) == null && $(shown state) == live ]] || { log_in one 600 && of one fleet join --force claude; }
}

@test "a refresher that is stopped before any call, and goes on later, sends no token twice" {
    of one fleet join claude
    for call in $calls; do
        for when in 1 2 3 5 8 13 21; do
            interrupted STOP "$call" "$when" &
            pid=$!
            of two refresh --force >/dev/null 2>&1 3>&- || true
            of three refresh >/dev/null 2>&1 3>&- || true
            # All that is stopped in the lab goes on.
            until ! kill -0 "$pid" 2>/dev/null; do kill -CONT -1 2>/dev/null || true; read -rt 0.1 <> <(:) || true; done
            settle
            each_token_once
        done
    done
}

@test "a refresher that is killed before any call sends no token twice, and what it was granted is not lost" {
    of one fleet join claude
    for call in $calls; do
        for when in 1 2 3 5 8 13 21; do
            interrupted KILL "$call" "$when" || true
            granted=$(grep -c sk-ant-ort01 "$BATS_FILE_TMPDIR/one/claude/..credentials.json.oci-oauth.journal" || true)
            generation=$(shown generation)
            of two refresh >/dev/null 2>&1 || true
            of one refresh >/dev/null 2>&1 || true
            ((granted == 0)) || (($(shown generation) > generation)) || [[ $(shown refreshing) == null ]]
            settle
            each_token_once
        done
    done
}
