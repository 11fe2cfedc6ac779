#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A store that has no space left: etcd's quota, and its alarm NOSPACE.
load refreshers

setup_file() {
    begin_hosts
    # Enough for the records.
    export ETCD_QUOTA=$((2 * 1024 * 1024))
    local n
    for n in 1 2 3; do end_member "$n"; done
    for n in 1 2 3; do start_member "$n"; done
    await_members
}
teardown_file() { end_hosts; }
setup() { renew_hosts; }
teardown() { leave_hosts; }

put() {
    jq -n --rawfile zeros <(head -c 700000 /dev/zero | base64 --wrap 0) --arg key "$(printf /filling | base64)" '{$key, value: $zeros}' >"$BATS_TEST_TMPDIR/put"
    etcd_call 1 kv/put "@$BATS_TEST_TMPDIR/put"
}
is_full() { ! put >/dev/null; }
# What its manual says: compact, defragment, disarm.
make_space() {
    local n member
    etcd_call 1 kv/compaction "{\"revision\":$(etcd_call 1 kv/range '{"key":"AA=="}' | jq -r .header.revision),\"physical\":true}" >/dev/null
    for n in 1 2 3; do MAX_TIME=20 etcd_call "$n" maintenance/defragment '{}' >/dev/null; done
    for member in $(etcd_call 1 maintenance/alarm '{"action":"GET"}' | jq -r '.alarms[].memberID'); do
        etcd_call 1 maintenance/alarm "{\"action\":\"DEACTIVATE\",\"memberID\":\"$member\",\"alarm\":\"NOSPACE\"}" >/dev/null
    done
}

@test "a store without space stops refreshes with one line, containers go on, and it goes on afterwards" {
    of one fleet join claude
    of one refresh
    token=$(cat "$BATS_FILE_TMPDIR/one/run/share/claude/token")
    before=$(counted posts)
    eventually is_full
    run of one refresh --force
    ((status == 4))
    (($(sent) == 0))
    [[ $(grep -c 'space' <<<"$output") == 1 && $output == *10.77.0.1* ]]
    [[ $output == *'hint: etcdctl compact '*' && etcdctl alarm disarm' ]]
    [[ $(of one token claude) == "$token" ]]
    run of two refresh --force
    ((status == 4))
    # Nobody has sent anything, and the record was not changed.
    (($(sent) == 0))
    [[ $(shown refreshing) == null ]]
    goes_on() { (make_space || true) && of one refresh --force; } # an alarm is raised again by who has not freed anything yet
    eventually goes_on
    (($(sent) == 1))
    each_token_once
}
