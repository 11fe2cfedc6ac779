#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The published Claude Code on a host that joins, leaves, and gets a new login: ./dev faults fleet. CLAUDE: its program. The token
# endpoint and the API are a stand-in (tests/clients/stand-in.mjs).
load refreshers

setup_file() {
    begin_hosts
    mkdir -p "$BATS_FILE_TMPDIR/home"
}
teardown_file() { end_hosts; }
setup() {
    [[ ${CLAUDE:-} ]] || skip 'no Claude Code: CLAUDE names its program'
    renew_hosts
}
teardown() { leave_hosts; }

# In place of the C++ endpoint: one that Claude Code finds under its own names.
start_endpoint() {
    local names=(platform.claude.com api.anthropic.com)
    mkdir -p "$ENDPOINT"
    bash -c 'source "$1" && make_certificate "$2" "${@:3}"' - "$BATS_TEST_DIRNAME/../clients/words.bash" "$ENDPOINT" "${names[@]}"
    echo "127.0.0.1 localhost ${names[*]}" >"$ENDPOINT/hosts"
    cat /etc/ssl/certs/ca-certificates.crt "$ENDPOINT/ca.pem" >"$ENDPOINT/authorities"
    mount --bind "$ENDPOINT/hosts" /etc/hosts
    mount --bind "$ENDPOINT/authorities" /etc/ssl/certs/ca-certificates.crt
    : >"$ENDPOINT/requests"
    node "$BATS_TEST_DIRNAME/../clients/stand-in.mjs" "$ENDPOINT" </dev/null >"$ENDPOINT/log" 2>&1 3>&- &
    echo $! >"$ENDPOINT/pid"
    echo https://platform.claude.com/v1/oauth/token >"$ENDPOINT/url"
    eventually test -s "$ENDPOINT/ready"
}
stop_endpoint() {
    kill "$(<"$ENDPOINT/pid")"
    umount /etc/hosts /etc/ssl/certs/ca-certificates.crt
}
stand_in() { curl --silent --show-error --fail --cacert "$ENDPOINT/ca.pem" "https://platform.claude.com/control/$1"; }
count() { jq -r "select($1) | 1" "$ENDPOINT/requests" | wc -l; }
counted() { count '.what == "token"'; }
each_token_once() { (($(count '.reused') == 0)); }
log_in() {
    local file=$BATS_FILE_TMPDIR/$1/claude/.credentials.json
    stand_in "login?expires_in=$2" | jq '{claudeAiOauth: {accessToken: .access_token, refreshToken: .refresh_token,
        expiresAt: ((now + .expires_in) * 1000 | floor), scopes: ["user:inference", "user:profile"], subscriptionType: "max"}}' >"$file.new"
    chmod 600 "$file.new"
    mv "$file.new" "$file"
}
# One session of the client on host one.
client() {
    env -i PATH="$PATH" HOME="$BATS_FILE_TMPDIR/home" CLAUDE_CONFIG_DIR="$BATS_FILE_TMPDIR/one/claude" DISABLE_AUTOUPDATER=1 \
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
        timeout 100 "$CLAUDE" -p hello </dev/null >"$BATS_TEST_TMPDIR/said" 2>&1 3>&-
}
start_client() {
    client &
    client_pid=$!
}
is_held() { (($(count '.what == "held"') >= $1)); }
has_refresh_token() { [[ $(jq -r '.claudeAiOauth.refreshToken // ""' "$BATS_FILE_TMPDIR/one/claude/.credentials.json") ]]; }

# The login is in the store alone, and another host can refresh it.
expect_joined() {
    ! has_refresh_token
    [[ $(shown state) == live ]]
    of two refresh --force
    each_token_once
    [[ $(shown state) == live ]]
}

@test "a client that refreshes as its host joins, in either order, and one that goes on afterwards" {
    for ((round = 0; round < ${ROUNDS:-6}; ++round)); do
        log_in one 60 # it wants to refresh
        if ((round % 2)); then
            stand_in 'hold?what=token&n=1'
            held=$(count '.what == "held"')
            start_client
            eventually is_held $((held + 1))
            of one fleet join --force claude &
            join_pid=$!
            read -rt 1 <> <(:) || true # the client has the locks: joining waits
            kill -0 "$join_pid"
            stand_in release
        else
            of one fleet join --force claude &
            join_pid=$!
            start_client
        fi
        wait "$join_pid"
        wait "$client_pid" || true
        expect_joined
        of one refresh # the host's file has the new access token
        client
        ! has_refresh_token
        each_token_once
    done
}

@test "a client goes on with the login that its host took back, and the fleet leaves it alone" {
    log_in one 60
    of one fleet join claude
    of two refresh
    of one fleet leave claude
    has_refresh_token
    expire_in 60 "$BATS_FILE_TMPDIR/one/claude/.credentials.json"
    asked=$(counted)
    client
    (($(counted) == asked + 1))
    run of two refresh --force
    ((status == 3))
    each_token_once
    # And it joins again, as the client has left it.
    of one fleet join claude
    expect_joined
}

@test "a login that a person makes again is taken into the store by itself, while a client races for it" {
    for ((round = 0; round < ${ROUNDS:-6}; ++round)); do
        log_in one -60
        edit_file "$BATS_FILE_TMPDIR/one/claude/.credentials.json" '.claudeAiOauth.refreshToken = "not a token"'
        of one fleet join --force claude
        ! of one refresh
        [[ $(shown state) == dead ]]
        log_in one 60
        start_client
        of one refresh || true # as the path unit does
        wait "$client_pid" || true
        of one refresh
        expect_joined
    done
}

@test "a host that is killed at any call of joining leaves the login in one place, with a client beside it" {
    for call in mkdir mkdirat connect sendto write fdatasync fsync rename renameat unlink rmdir; do
        for when in 1 2 3 5; do
            log_in one 60
            strace --follow-forks --quiet=all --output /dev/null --inject "$call:signal=KILL:when=$when" \
                "$oci_oauth" fleet join --force claude --config "$BATS_FILE_TMPDIR/one/config.json" >/dev/null 2>&1 3>&- || true
            start_client
            of two refresh || true
            of one refresh || true
            wait "$client_pid" || true
            ! has_refresh_token || of one fleet join --force claude
            expect_joined
        done
    done
}
