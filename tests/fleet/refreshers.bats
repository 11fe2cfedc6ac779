#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Refreshers with the installed programs on a real etcd of three members, and a strict token endpoint: tests/fleet/lab.
load refreshers

setup_file() { begin_hosts; }
teardown_file() { end_hosts; }
setup() { renew_hosts; }
teardown() { leave_hosts; }

@test "a login joins, is refreshed by another host, and leaves with its token working" {
    of one fleet join claude
    ! grep -q sk-ant-ort01 "$BATS_FILE_TMPDIR/one/claude/.credentials.json"
    of two refresh
    (($(sent) == 1))
    [[ $(shown state) == live && $(shown generation) == 2 && $(shown published_generation) == 2 && $(shown by) == two ]]
    of three fleet leave claude
    token=$(jq -r .claudeAiOauth.refreshToken "$BATS_FILE_TMPDIR/three/claude/.credentials.json")
    control "valid-refresh?token=$token"
    run of one refresh
    ((status == 3))
    [[ $output == *"moved to the host three"* ]]
    (($(sent) == 1))
}

@test "hosts that refresh at the same time send one request, ten times over" {
    of one fleet join claude
    refresh_together one two three
    for ((round = 2; round <= 10; ++round)); do
        before=$(counted posts)
        # The token of this round is used until a person forces the next one.
        of one refresh --force
        refresh_together one two three
        (($(sent) == 1))
    done
    each_token_once
    tokens=$(cat "$BATS_FILE_TMPDIR"/{one,two,three}/run/share/claude/token | sort | uniq -c | wc -l)
    ((tokens == 1))
}

@test "hosts that force a refresh at the same time use no token twice" {
    of one fleet join claude
    for ((round = 0; round < 5; ++round)); do
        for host in one two three; do of "$host" refresh --force & done
        wait
    done
    each_token_once
    (($(counted reuses) == 0))
}

@test "without a majority nobody refreshes, and with one again somebody does" {
    of one fleet join claude
    end_member 2
    end_member 3
    run of one refresh
    ((status == 4))
    (($(sent) == 0))
    start_member 2
    start_member 3
    await_members
    of one refresh
    (($(sent) == 1))
}

@test "a member that is lost is of no consequence once the others have a leader" {
    of one fleet join claude
    end_member 1
    eventually of two refresh
    start_member 1
    await_members
    (($(sent) == 1))
    [[ $(shown generation) == 2 ]]
}

@test "a store that is restored from an older backup, or wiped, gets the newest login from who knows it" {
    of one fleet join claude
    save_members backup
    of one refresh
    [[ $(shown generation) == 2 ]]
    restore_members backup
    [[ $(shown generation) == 1 ]]
    run of one refresh
    [[ $output == *"put back generation 2"* ]]
    [[ $(shown generation) == 2 && $(shown published_generation) == 2 ]]
    wipe_store
    of one refresh
    [[ $(shown generation) == 2 ]]
    (($(sent) == 1))
    each_token_once
}

@test "a host killed at any moment of its refresh sends no token twice, and no answer in its journal is lost" {
    of one fleet join claude
    for ((round = 0; round < 12; ++round)); do
        of one refresh --force 3>&- &
        pid=$!
        read -rt "0.0$((RANDOM % 9))$((RANDOM % 10))" <> <(:) || true
        pkill -KILL -P "$pid" || true
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        journal=$BATS_FILE_TMPDIR/one/claude/..credentials.json.oci-oauth.journal
        granted=$(grep -c sk-ant-ort01 "$journal" || true)
        generation=$(shown generation)
        (($(counted max_posts_per_refresh_token) <= 1))
        of one refresh || true
        ((granted == 0)) || (($(shown generation) > generation)) || [[ $(shown refreshing) == null ]]
        # Whether the token was sent is unknown: a person logs in again.
        [[ $(shown refreshing) == null ]] || { log_in one -60 && of one fleet join --force claude; }
    done
    each_token_once
}

@test "what is not a record stops the fleet with one line" {
    of one fleet join claude
    etcd_call 1 kv/put "{\"key\":\"$(printf /oci-oauth/0-login/claude | base64)\",\"value\":\"$(printf garbage | base64)\"}" >/dev/null
    run of two refresh
    ((status == 1))
    [[ $output == *"/oci-oauth/0-login/claude:"* ]]
    (($(sent) == 0))
}

@test "a certificate that has expired, or of another authority, sends nothing and says so" {
    of one fleet join claude
    for certificate in expired stranger; do
        edit_file "$BATS_FILE_TMPDIR/two/config.json" ".fleet.certificate_file = \"$LAB/$certificate.pem\""
        run of two refresh
        ((status != 0))
        (($(sent) == 0))
    done
    make_host two
}

@test "what changes something shows first what it would do" {
    of one fleet join claude
    run of one fleet takeover claude --dry-run
    ((status == 0))
    [[ $output == *"no refresh is unanswered"* ]]
    run of two fleet leave claude --dry-run
    [[ $output == *"would move token"* ]]
    [[ $(shown state) == live ]]
    run of one fleet init --dry-run
    ((status == 1))
    [[ $output == *"is already there"* ]]
}

@test "joining shows what it waits for, unless it is to be quiet" {
    run of one fleet join claude
    [[ $output == *"oci-oauth: fleet: join 'claude': waiting for its locks and the store ..."* ]]
    log_in one -60
    run of one fleet join --force --quiet claude
    [[ $output != *waiting* && $output == *"as login 2"* ]]
}

@test "on a terminal, joining shows one line, which is cleared before what it says" {
    run on_terminal "$oci_oauth" --config "$BATS_FILE_TMPDIR/one/config.json" fleet join claude </dev/null
    [[ $output == $'\r\e[K'"oci-oauth: fleet: join 'claude': waiting for its locks and the store ..."$'\r\e[K'"oci-oauth: fleet join 'claude': "* ]]
    [[ ${output#*$'\r\e[K'*$'\r\e[K'} != *$'\e[K'* && $output == *"refresh 'claude': "* ]]
}

@test "a login that is over is replaced by a new one on a refresher, and told by doctor where another one works" {
    of one fleet join claude
    log_in two 40000
    of two refresh # the fleet's login works
    run of two doctor --json
    [[ $output == *" --config $BATS_FILE_TMPDIR/two/config.json fleet join --force claude"* ]]
    [[ $(shown has_new_login two) == true ]]
    rm "$BATS_FILE_TMPDIR/two/claude/.credentials.json"
    log_in one -60
    edit_file "$BATS_FILE_TMPDIR/one/claude/.credentials.json" '.claudeAiOauth.refreshToken = "not a token"'
    of one fleet join --force claude
    ! of one refresh
    [[ $(shown state) == dead ]]
    log_in two 40000 # longer than the token that this host has of the old one
    run of two refresh
    ((status == 0))
    [[ $output == *"as login 3"* ]]
    ! grep -q sk-ant-ort01 "$BATS_FILE_TMPDIR/two/claude/.credentials.json"
    of one refresh --force
    [[ $(shown state) == live ]]
    each_token_once
}

@test "a login that replaces another one is refreshed, also if its token ends sooner" {
    of one fleet join claude
    of two refresh
    log_in one 60
    of one fleet join --force claude
    of two refresh
    (($(sent) == 2))
    each_token_once
}

@test "doctor names what is wrong with a fleet, and what to type" {
    of one fleet join claude
    said() { of one doctor --json | jq -r '.findings[] | select(.check | startswith("fleet")) | "\(.verdict) \(.message) (\(.remedy))"'; }
    [[ $(said) == *"does not follow the store (systemctl restart oci-oauth-fleet)"* ]]
    [[ $(said) != *problem* ]]
    edit_file "$BATS_FILE_TMPDIR/one/config.json" ".fleet.certificate_file = \"$LAB/expired.pem\""
    [[ $(said) == *"problem $LAB/expired.pem: expires at"* ]]
    make_host one
    chmod 644 "$KEYS/access.key"
    [[ $(said) == *"problem $KEYS/access.key: other users can access it (chmod 0600 $KEYS/access.key)"* ]]
    chmod 600 "$KEYS/access.key"
    edit_file "$BATS_FILE_TMPDIR/one/config.json" '.fleet.endpoints = ["https://10.77.0.99:2379"]'
    [[ $(said) == *"problem etcd: "*"10.77.0.99:2379"*"(curl --cacert "* ]]
    make_host one
}

@test "metrics tell the generation that each host has, and whether it is connected" {
    of one fleet join claude
    of one refresh
    [[ $(of one status --prometheus) == *'oci_oauth_fleet_generation{profile="claude"} 2'* ]]
    [[ $(of one status --prometheus) == *'oci_oauth_fleet_intent{profile="claude"} 0'* ]]
    make_follower watched
    STATE_DIRECTORY=$BATS_FILE_TMPDIR/watched/state "$OCI_OAUTH_PREFIX/libexec/oci-oauth/oci-oauth-fleet" --config "$BATS_FILE_TMPDIR/watched/config.json" \
        >"$BATS_FILE_TMPDIR/watched/log" 2>&1 3>&- &
    pid=$!
    eventually has_same_token one watched
    is_told() { [[ $(of watched status --prometheus) == *$'\noci_oauth_fleet_connected '"$1"$'\n'* ]]; }
    eventually is_told 1
    # A record is published before it is kept.
    is_kept() { [[ $(of watched status --prometheus) == *'oci_oauth_fleet_generation{profile="claude"} 2'* ]]; }
    eventually is_kept
    [[ $(of watched doctor --json | jq -r '.findings[] | select(.check == "fleet '\''claude'\''").message') == *"generation 2"* ]]
    kill "$pid"
    eventually is_told 0
    umount "$BATS_FILE_TMPDIR/watched/run/share"
}

@test "a follower has each token that a refresher obtains, and cannot open the login" {
    of one fleet join claude
    make_follower follower
    STATE_DIRECTORY=$BATS_FILE_TMPDIR/follower/state "$OCI_OAUTH_PREFIX/libexec/oci-oauth/oci-oauth-fleet" --config "$BATS_FILE_TMPDIR/follower/config.json" \
        >"$BATS_FILE_TMPDIR/follower/log" 2>&1 3>&- &
    pid=$!
    eventually has_same_token one follower
    of one refresh --force
    eventually has_same_token one follower
    eventually grep -q 'generation 2, valid' "$BATS_FILE_TMPDIR/follower/log" # what it remembers comes after the token
    kill "$pid"
    [[ $(shown published_generation follower) == 2 && $(shown state follower) == null ]]
    # It has a valid token, and asks nobody.
    of follower refresh
    run of follower fleet leave claude
    ((status == 2))
    run of follower refresh --force
    ((status == 4))
    [[ $output == *"follows the fleet"* ]]
    (($(sent) == 1))
    umount "$BATS_FILE_TMPDIR/follower/run/share"
}
