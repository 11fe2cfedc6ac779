#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A fleet with the installed programs beside a fake API server of Kubernetes, and a strict token endpoint:
# tests/kubernetes/lab.
load refreshers

setup_file() {
    begin_hosts
    printf 'follower\n' >"$LAB/follower-token"
    for host in one two; do on_kubernetes "$host" token; done
}
teardown_file() { end_hosts; }
setup() { renew_hosts; }
teardown() { leave_hosts; }

# Of that host, which has the token of that file.
on_kubernetes() {
    edit_file "$BATS_FILE_TMPDIR/$1/config.json" ".fleet |= (del(.endpoints, .certificate_file, .key_file) +
        {kubernetes: {namespace: \"oci-oauth\", server: \"$(cat "$LAB/url")\", token_file: \"$LAB/$2\"}})"
}
api() {
    curl --silent --fail --show-error --max-time 10 --cacert "$LAB/ca.pem" --header 'Authorization: Bearer admin' \
        --request "$1" "$(cat "$LAB/url")$2" ${3:+--data "$3"}
}
wipe_store() {
    local secret
    for secret in oci-oauth-claude oci-oauth-claude-login; do api DELETE "/api/v1/namespaces/oci-oauth/secrets/$secret" >/dev/null 2>&1 || true; done
}

@test "fake API server: a login joins, is refreshed by another host, and leaves with its token working" {
    of one fleet join claude
    of two refresh
    (($(sent) == 1))
    [[ $(shown state) == live && $(shown generation) == 2 && $(shown published_generation) == 2 && $(shown by) == two ]]
    of one fleet status | grep -q 'store  *kubernetes 1.36.4-fake'
    of one fleet leave claude
    token=$(jq -r .claudeAiOauth.refreshToken "$BATS_FILE_TMPDIR/one/claude/.credentials.json")
    control "valid-refresh?token=$token"
    (($(sent) == 1))
}

@test "fake API server: hosts that refresh at the same time send one request" {
    of one fleet join claude
    refresh_together one two
    for ((round = 0; round < 3; ++round)); do
        before=$(counted posts)
        of one refresh --force
        refresh_together one two
        (($(sent) == 1))
    done
    each_token_once
}

@test "fake API server: the answers of all writes of a refresh are lost, and still one request is sent" {
    of one fleet join claude
    for ((n = 0; n < 3; ++n)); do api POST /fake/next '{"method":"PATCH","applies":true,"cut":"all"}' >/dev/null; done
    of two refresh || of two refresh
    (($(sent) == 1))
    [[ $(shown generation) == 2 && $(shown refreshing) == null ]]
}

@test "fake API server: a follower that may read one Secret publishes what a refresher commits, as soon as it does" {
    of one fleet join claude
    make_follower "follower"
    on_kubernetes follower follower-token
    STATE_DIRECTORY=$BATS_FILE_TMPDIR/follower/kept "$OCI_OAUTH_PREFIX/libexec/oci-oauth/oci-oauth-fleet" \
        --config "$BATS_FILE_TMPDIR/follower/config.json" 2>"$BATS_TEST_TMPDIR/log" 3>&- &
    follower=$!
    of one refresh
    eventually has_same_token one follower
    of two refresh --force
    of one refresh
    eventually has_same_token one follower
    kill "$follower"
    wait "$follower" || true
    umount --quiet "$BATS_FILE_TMPDIR/follower/run/share" || true
}

@test "fake API server: without permission, or without the server, nobody refreshes and one line says why" {
    of one fleet join claude
    printf 'follower\n' >"$LAB/own-token"
    on_kubernetes two own-token
    run of two refresh
    ((status == 4))
    [[ $output == *'secrets "oci-oauth-claude-login" is forbidden'* ]]
    rm "$LAB/own-token"
    run of two refresh
    ((status == 2))
    printf 'stale\n' >"$LAB/own-token"
    run of two refresh
    ((status == 4))
    [[ $output == *"refuses the token"* ]]
    (($(sent) == 0))
    on_kubernetes two token
}
