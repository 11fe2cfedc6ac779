# SPDX-License-Identifier: Apache-2.0
# Logging in and out, at an authorization server that does what the test says.
load words

setup() {
    oauth_setup
    SERVER=$BATS_TEST_TMPDIR/server LOGIN=$BATS_TEST_TMPDIR/logins/work.json
    mkdir "$SERVER"
    install -d -m 700 -o "$somebody" "${LOGIN%/*}"
    chmod 711 "$BATS_TEST_TMPDIR"
    node "$BATS_TEST_DIRNAME/authorization-server.mjs" "$SERVER" >"$SERVER/log" 2>&1 3>&- &
    eventually --at "$SERVER" test -s "$SERVER/ready"
    SHARE=$(runtime_dir)/share/work
    mkdir -p /etc/oci-oauth
    a_configuration >"$CONFIG"
}
teardown() {
    stop_server
    oauth_teardown
}
stop_server() {
    [[ -s $SERVER/ready ]] || return 0
    kill "$(<"$SERVER/ready")"
    has_ended "$(<"$SERVER/ready")"
    rm "$SERVER/ready"
}
a_configuration() {
    jq -n --arg issuer "$(<"$SERVER/issuer")" --arg credentials "$LOGIN" --arg runtime_dir "$(runtime_dir)" \
        '{$runtime_dir, profiles: {work: {provider: "oauth2", $issuer, client_id: "me", $credentials}}}'
}

requests() { jq -r "select($1) | .token" "$SERVER/requests"; }
has_requests() { [[ -s $SERVER/requests && -n $(jq "select($1)" "$SERVER/requests") ]]; }
logged_in() {
    touch "$SERVER/yes"
    oci_oauth login work
}

@test "a login by a device code is its owner's, is published at once, and no token is printed" {
    run -0 logged_in
    [[ $output == *"$(<"$SERVER/issuer")/there"*WDJB-MJHT*"refresh 'work': published as it is, valid until"* && $output != *secret* ]]
    [[ $(stat -c '%u %a' "$LOGIN") == "$somebody 600" ]]
    [[ $(jq -c '[.access_token, .refresh_token, .made_by]' "$LOGIN") == '["at-secret-1","rt-secret-1","oci-oauth login"]' ]]
    [[ $(<"$SHARE/token") == at-secret-1 ]]
    [[ $(status_of .state) == @(fresh|due) ]]
    run -0 oci_oauth refresh --force work
    [[ $(<"$SHARE/token") == at-secret-2 ]]
}

@test "a login at a server that does not answer can be tried again, as the hint says" {
    stop_server
    run -4 oci_oauth login work
    [[ $output == *"login 'work': issuer: "*$'\nhint: oci-oauth login work' ]]
}

@test "a logout revokes the login, and nothing of it is left" {
    logged_in
    run -0 oci_oauth logout work
    [[ $output == *"removed $LOGIN"*'the token is withdrawn'* && $output != *secret* ]]
    [[ $(requests '.path == "/revoke"') == $'rt-secret-1\nat-secret-1' ]]
    [[ -z $(ls "$SHARE") && -z $(ls -A "${LOGIN%/*}") ]]
    [[ $(status_of .state) == unknown ]]
    run -1 oci_oauth refresh work
    [[ $output == *'hint: oci-oauth login work' ]]
    run -0 oci_oauth logout work
    run -0 logged_in
}

@test "a logout without the server removes the login here, and says what is not revoked" {
    logged_in
    stop_server
    run -1 oci_oauth logout work
    [[ $output == *'the tokens are not revoked: issuer: '*'connection refused'* && ! -e $LOGIN && -z $(ls "$SHARE") ]]
}

@test "a logout waits for the refresh that is running, and revokes what it obtained" {
    logged_in
    touch "$SERVER/hold"
    oci_oauth refresh --force work >"$BATS_TEST_TMPDIR/refresh.log" 2>&1 &
    local refresh=$! logout
    eventually --at "$SERVER" has_requests '.grant == "refresh_token"'
    oci_oauth logout work >"$BATS_TEST_TMPDIR/logout.log" 2>&1 &
    logout=$!
    eventually grep -q -- '->' /proc/locks
    [[ -e $LOGIN ]]
    rm "$SERVER/hold"
    wait "$refresh"
    wait "$logout"
    [[ $(requests '.path == "/revoke"') == $'rt-secret-2\nat-secret-2' ]]
    [[ ! -e $LOGIN && -z $(ls "$SHARE") ]]
}

@test "without a terminal, a login that is there is replaced only with --force" {
    logged_in
    run -1 oci_oauth login work
    [[ $output == *"$LOGIN: contains a login"*'hint: oci-oauth login work --force'* ]]
    run -0 oci_oauth login work --force
    [[ $(jq -r .refresh_token "$LOGIN") == rt-secret-2 ]]
}

@test "on a terminal, a person is asked before a login is replaced" {
    logged_in
    run -1 on_terminal "$OCI_OAUTH_PREFIX/bin/oci-oauth" --config "$CONFIG" login work <<<n
    [[ $output == *"$LOGIN contains a login. Replace it? [y/N]"*'the login stays as it is'* ]]
    [[ $(jq -r .refresh_token "$LOGIN") == rt-secret-1 ]]
    run -0 on_terminal "$OCI_OAUTH_PREFIX/bin/oci-oauth" --config "$CONFIG" login work <<<y
    [[ $(jq -r .refresh_token "$LOGIN") == rt-secret-2 ]]
}

@test "a person who says no, and one who interrupts, end a login that leaves nothing" {
    touch "$SERVER/no"
    run -3 oci_oauth login work
    [[ $output == *'token endpoint: 400 access_denied: the person ?[2Jsaid no'* && ! -e $LOGIN ]]
    rm "$SERVER/no"
    "$OCI_OAUTH_PREFIX/bin/oci-oauth" --config "$CONFIG" login work >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    local login=$! status=0
    eventually --at "$BATS_TEST_TMPDIR" grep -q WDJB-MJHT "$BATS_TEST_TMPDIR/out"
    kill -INT "$login"
    wait "$login" || status=$?
    ((status == 1))
    grep -q 'interrupted; nothing was changed' "$BATS_TEST_TMPDIR/out"
    [[ ! -e $LOGIN && ! -e $SHARE/token ]]
}

@test "a browser of the user's own is opened, and returns with the code" {
    local user=$BATS_TEST_TMPDIR/user
    install -d -m 700 -o "$somebody" "$user" "$user/run" "$user/bin"
    printf '#!/bin/sh\nexec curl --silent --location --output %s "$1"\n' "$user/page" >"$user/bin/xdg-open"
    chmod 755 "$user/bin/xdg-open"
    a_configuration | jq --arg run "$user/run/oci-oauth" '.runtime_dir = $run' >"$user/config.json"
    chown -R "$somebody" "$user"
    run -0 setpriv --reuid "$somebody" --clear-groups env -i PATH="$user/bin:$PATH" HOME="$user" XDG_RUNTIME_DIR="$user/run" \
        DISPLAY=:0 oci-oauth --config "$user/config.json" login work 3>&-
    [[ $output != *secret* ]]
    eventually --at "$user" grep -q 'You can close this window' "$user/page"
    [[ $(jq -r .access_token "$LOGIN") == at-secret-1 && $(<"$user/run/oci-oauth/share/work/token") == at-secret-1 ]]
}

@test "a profile that says nowhere to log in is told what is missing" {
    configure 'del(.profiles.work.issuer) | .profiles.work.token_url = "https://e/"'
    complains oci-oauth 2 "login 'work': /profiles/work/issuer: is missing*" 'man 5 oci-oauth-config' oci_oauth login work
}
