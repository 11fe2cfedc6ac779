#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a store may contain that is not what a refresher wrote: it stops the fleet with one line, and containers go on.
load refreshers

setup_file() { begin_hosts; }
teardown_file() { end_hosts; }
setup() {
    renew_hosts
    of one fleet join claude
    of one refresh
    before=$(counted posts)
    token=$(cat "$BATS_FILE_TMPDIR/one/run/share/claude/token")
}
teardown() { leave_hosts; }

readonly login_key=/oci-oauth/0-login/claude access_key=/oci-oauth/1-access/claude
stored() { etcd_call 1 kv/range "{\"key\":\"$(printf %s "$1" | base64)\"}" | jq -r '.kvs[0].value' | base64 --decode; }
# put KEY: what stdin has.
put() {
    jq -n --rawfile value <(base64 --wrap 0) --arg key "$(printf %s "$1" | base64)" '{$key, $value}' >"$BATS_TEST_TMPDIR/put"
    etcd_call 1 kv/put "@$BATS_TEST_TMPDIR/put" >/dev/null
}
megabyte() { head -c 1000000 /dev/zero | tr '\0' x; }
# Of one line, apart from its hint.
expect_stopped() {
    local host
    for host in one two; do
        run of "$host" refresh --force
        ((status != 0))
        [[ $output == *"$login_key:"*"$1"* ]]
        (($(grep -c error: <<<"$output") == 1))
    done
    (($(sent) == 0))
    [[ $(of one token claude) == "$token" ]]
}

@test "a login's record that is garbage, a megabyte, of a newer version, or changed" {
    good=$(stored $login_key)
    printf garbage | put $login_key
    expect_stopped ''
    megabyte | put $login_key
    expect_stopped 'is larger'
    jq -c '.version = 99' <<<"$good" | put $login_key
    expect_stopped ''
    jq -c '.generation += 1' <<<"$good" | put $login_key
    expect_stopped ''
    jq -c '.epoch = "ffffffffffffffffffffffffffffffff"' <<<"$good" | put $login_key
    expect_stopped ''
    jq -c '.profile = "other"' <<<"$good" | put $login_key
    expect_stopped ''
    printf %s "$good" | put $login_key
    of two refresh --force
    (($(sent) == 1))
    each_token_once
}

@test "a login of the same rank that another fleet with these keys has made is a person's to decide" {
    wipe_store
    # Host three has never seen the other one.
    log_in three 600
    of three fleet join claude
    of three refresh --force
    before=$(counted posts)
    run of one refresh --force
    ((status != 0))
    [[ $output == *'has another login than this host knows'* ]]
    (($(sent) == 0))
    # A token that is valid, and that all other hosts have.
    has_same_token one three
    [[ $(of one token claude) != "$token" ]]
}

@test "a store that has gone back sends nothing from a host that has lost its memory, but published the newer token" {
    log_in one 60
    of one fleet join --force claude
    old=$(stored $login_key)
    of two refresh --force
    (($(sent) == 1))
    printf %s "$old" | put $login_key
    find "$BATS_FILE_TMPDIR/two/claude" -type f -delete
    run of two refresh --force
    ((status != 0))
    [[ $output == *'older access token than this host has published'* ]]
    (($(sent) == 1))
    each_token_once
}

@test "an access token's record that is no record is replaced by the next refresher" {
    for value in garbage '{}' "$(stored $login_key)"; do
        printf %s "$value" | put $access_key
        of one refresh
        [[ $(shown published_generation) == 2 ]]
    done
    megabyte | put $access_key
    of one refresh
    [[ $(shown published_generation) == 2 ]]
    (($(sent) == 0))
}
