# SPDX-License-Identifier: Apache-2.0
# What oci-oauth says of a login or an endpoint that is no good: message, hint, exit code; the login stays as it is.
load oauth

readonly fine=0 failed=1 usage=2 login_required=3 temporary=4

# The login belongs to a user other than root, as on a server.
a_users_login() {
    a_login "$@"
    chown -R nobody "$OPERATOR_HOME"
    a_profile
}

content_of_login() { [[ ! -f $CREDENTIALS ]] || sha256sum "$CREDENTIALS"; }

# expect CODE MESSAGE COMMAND...: COMMAND ends with CODE and says MESSAGE first, never a token, and leaves the login.
expect() {
    local code=$1 message=$2 before
    before=$(content_of_login)
    run "${@:3}"
    echo "$output"
    ((status == code))
    [[ ${lines[0]} == *"$message"* && $output != *sk-ant-* ]]
    [[ $(content_of_login) == "$before" ]]
}

@test "a fresh login is fine, and no request is sent" {
    a_users_login
    expect $fine "refresh 'claude': fresh, valid until" oci_oauth refresh
    [[ $(counted posts) == 0 ]]
}

@test "a refused refresh token needs a person, and is not sent again" {
    a_users_login
    login_ends_in -60
    script '{"status": 400, "body": "{\"error\":\"invalid_grant\"}"}'
    expect $login_required 'token endpoint: 400 invalid_grant' oci_oauth refresh
    expect $login_required 'the server refused this refresh token for good' oci_oauth refresh
    [[ $output == *'hint: log in again'* ]]
    [[ $(counted posts) == 1 ]]
    [[ $(status_of .state) == login_required ]]
    expect $login_required 'the server refused this refresh token for good' oci_oauth token claude
}

@test "an endpoint that fails is temporary, and is left alone for a while" {
    a_users_login
    login_ends_in -60
    script '{"status": 503, "body": "{}"}'
    expect $temporary 'token endpoint: 503' oci_oauth refresh
    expect $temporary 'no request to the token endpoint before' oci_oauth refresh
    [[ $output == *'hint: wait, or override it once: oci-oauth refresh --force claude'* ]]
    expect $temporary 'no request to the token endpoint before' oci_oauth token claude
    [[ $(counted posts) == 1 ]]
}

@test "a dead endpoint is temporary, and says that nothing was sent" {
    a_users_login
    login_ends_in -60
    stop_endpoint
    expect $temporary 'connect to localhost:' oci_oauth refresh
    [[ $output == *'hint: nothing was sent'* ]]
}

@test "a login without a refresh token is published until it expires, and then needs a person" {
    a_users_login
    edit_file "$CREDENTIALS" 'del(.claudeAiOauth.refreshToken)'
    login_ends_in 600
    expect 0 "refresh 'claude': fresh, valid until" oci_oauth refresh
    [[ $(oci_oauth token claude) == "$(jq -r .claudeAiOauth.accessToken "$CREDENTIALS")" ]]
    login_ends_in -60
    expect $login_required 'there is no refresh token' oci_oauth refresh
    edit_file "$CREDENTIALS" '.claudeAiOauth.accessToken = "" | .claudeAiOauth.refreshToken = ""'
    expect $login_required '.credentials.json: /claudeAiOauth/refreshToken: there is no token' oci_oauth refresh
    [[ $(counted posts) == 0 ]]
}

@test "a login of 50 MiB, one that its owner cannot read, a FIFO and a directory are reported, and none blocks" {
    a_users_login
    fallocate -l 50M "$CREDENTIALS"
    expect $failed '.credentials.json: is larger than 4194304 bytes' oci_oauth refresh
    truncate -s 0 "$CREDENTIALS"
    expect $failed '.credentials.json: is empty' oci_oauth refresh
    chmod 000 "$CREDENTIALS"
    expect $failed '.credentials.json: Permission denied' oci_oauth refresh
    rm "$CREDENTIALS"
    mkfifo "$CREDENTIALS"
    expect $failed '.credentials.json: is a FIFO, not a regular file' oci_oauth refresh
    rm "$CREDENTIALS"
    mkdir "$CREDENTIALS"
    expect $failed '.credentials.json: is a directory, not a regular file' oci_oauth refresh
    rmdir "$CREDENTIALS"
    expect $failed '.credentials.json: No such file or directory' oci_oauth refresh
    [[ $output == *'hint: log in first, or correct "credentials" in the configuration'* ]]
    [[ $(counted posts) == 0 ]]
}

@test "a configuration that is missing, broken or writable by others names the file and the place" {
    a_users_login
    expect $usage "$CONFIG.none: No such file or directory" as_operator oci-oauth --config "$CONFIG.none" status
    chmod 666 "$CONFIG"
    expect $usage "$CONFIG: other users can change it (it has uid 0, mode 0666)" oci_oauth status
    chmod 644 "$CONFIG"
    configure '.profiles.claude.hook_wait = "8"'
    expect $usage "$CONFIG: /profiles/claude/hook_wait: '8' is not a duration" oci_oauth status
    echo '{"profiles": {' >"$CONFIG"
    expect $usage "$CONFIG:2:1: not JSON" oci_oauth status
    [[ $(counted posts) == 0 ]]
}

@test "a runtime directory that cannot be written is reported, and nothing is sent" {
    a_users_login
    login_ends_in -60
    mkdir -p /run/oci-oauth
    mount -t tmpfs -o ro,mode=700 tmpfs /run/oci-oauth
    expect $failed '/run/oci-oauth/share: mkdir: Read-only file system' oci_oauth refresh
    [[ $(counted posts) == 0 ]]
}

@test "a token that found no room in the runtime directory is published once there is room, without a second request" {
    a_users_login
    login_ends_in -60
    mkdir -p /run/oci-oauth
    mount -t tmpfs -o mode=700,size=16k tmpfs /run/oci-oauth
    mkdir -p /run/oci-oauth/share/claude
    head -c 1M /dev/zero >/run/oci-oauth/share/fill 2>/dev/null || true
    run oci_oauth refresh
    ((status == failed))
    [[ $output == *'/run/oci-oauth/'*'No space left on device'* && $output != *sk-ant-* ]]
    rm /run/oci-oauth/share/fill
    oci_oauth refresh
    [[ $(cat /run/oci-oauth/share/claude/token) == "$(current_token)" ]]
    [[ $(counted refreshes) == 1 ]]
}
