# SPDX-License-Identifier: Apache-2.0
# What goes wrong is told in two lines: what failed and why, what to do. And no token is in it. What the hook and the
# wrapper say is in container-messages.bats.
load words

says() { complains oci-oauth "$1" "$2" "$3" oci_oauth "${@:4}"; }

@test "a wrong command line names the word, and the help to ask" {
    a_login
    a_profile
    oci_oauth() { as_operator oci-oauth "$@" 3>&-; }
    says 2 'no verb given' 'oci-oauth --help'
    says 2 "unknown verb 'stats': did you mean 'status'\?" 'oci-oauth --help' stats
    says 2 "unknown verb 'frobnicate'" 'oci-oauth --help' frobnicate
    says 2 "option '--config' needs a value" 'oci-oauth --help' --config
    says 2 "status: unknown option '--jsn': did you mean '--json'\?" 'oci-oauth status --help' status --jsn
    says 2 "refresh: no profile 'x' in $CONFIG" 'oci-oauth refresh --help' refresh x --config "$CONFIG"
    says 2 "status: unknown argument 'claude'" 'oci-oauth status --help' status claude
    says 2 'status: --json, --prometheus and --watch cannot be used together' 'oci-oauth status --help' status --json --prometheus
    says 2 "doctor: unknown argument 'x'" 'oci-oauth doctor --help' doctor x
    says 2 "refresh: no profile 'x' in $CONFIG" 'oci-oauth refresh --help' refresh x
    says 2 "refresh: option '--force' takes no value" 'oci-oauth refresh --help' refresh --force=yes
    says 2 "refresh: --lock-fd: 'x' is not a file descriptor (3 or higher)" 'oci-oauth refresh --help' refresh --lock-fd x claude
    says 2 'refresh: --force and --offline cannot be used together' 'oci-oauth refresh --help' refresh --force --offline
    says 2 'token: needs the name of one profile' 'oci-oauth token --help' token
    says 2 "token: option '--min-ttl' needs a value" 'oci-oauth token --help' token claude --min-ttl
    says 2 "token: --min-ttl: '5' is not a duration*" 'oci-oauth token --help' token claude --min-ttl 5
    says 2 "token: --format: 'xml' is not raw, json or header" 'oci-oauth token --help' token claude --format xml
    says 2 'login: needs the name of one profile' 'oci-oauth login --help' login
    says 2 "login: no profile 'x' in $CONFIG" 'oci-oauth login --help' login x
    says 2 "login: --flow: 'x' is not device or code" 'oci-oauth login --help' login claude --flow x
    says 2 "login 'claude': the provider 'claude' has a client that makes its logins" 'claude /login' login claude
    says 2 'logout: needs the name of one profile' 'oci-oauth logout --help' logout claude claude
    says 2 "serve: unknown argument 'now'" 'oci-oauth serve --help' serve now
    says 2 'serve: needs --exchange SOCKET' 'oci-oauth serve --help' serve
    says 2 'serve: no listening socket was passed' "oci-oauth-refresh.socket starts it; to refresh by hand: oci-oauth refresh" serve --exchange x
    says 2 "exchange: unknown argument 'now'" 'oci-oauth exchange --help' exchange now
    says 2 'exchange: stdin is not a connection' "oci-oauth-exchange.socket starts it; to refresh by hand: oci-oauth refresh" exchange
    says 2 "sinks: no profile 'x' in $CONFIG" 'oci-oauth sinks --help' sinks x
    says 2 'units: needs one directory' 'oci-oauth units --help' units
    says 1 '/no/such/directory: No such file or directory' '?*' units /no/such/directory
    says 2 'install: needs one engine: podman, crio, docker, containerd, cdi, systemd, proxy' 'oci-oauth install --help' install
    says 2 "uninstall: unknown engine 'lxc'" 'one of podman, crio, docker, containerd, cdi, systemd, proxy' uninstall lxc
}

@test "a wrong configuration names the file and the place" {
    a_login
    a_profile
    oci_oauth() { as_operator oci-oauth --config "$CONFIG" "$@" 3>&-; }
    wrong() {
        a_profile "$1"
        says 2 "$CONFIG: /profiles/claude/$2" "$3" status
    }
    wrong '.colour = 1' 'colour: is not a known key' 'known keys: *'
    a_profile 'del(.credentials)'
    says 2 "$CONFIG: /profiles/claude: needs either \"credentials\" or \"source\"" 'man 5 oci-oauth-config' status
    wrong '.mode = "0999"' "mode: '0999' is not an octal mode*" 'man 5 oci-oauth-config'
    wrong '.target = "x"' "target: 'x' is not an absolute path without '..'" 'man 5 oci-oauth-config'
    wrong '.hook_wait = "1w"' "hook_wait: '1w' is not a duration*" 'man 5 oci-oauth-config'
    echo '{"profiles"' >"$CONFIG"
    says 2 "$CONFIG:*not JSON: missing a colon*" 'man 5 oci-oauth-config' status
    a_profile
    chmod 666 "$CONFIG"
    says 2 "$CONFIG: other users can change it (it has uid 0, mode 0666)" "chmod go-w $CONFIG" status
    rm "$CONFIG"
    says 2 "$CONFIG: No such file or directory" 'create it, as shown in: man 5 oci-oauth-config' status
}

@test "a failed refresh says why, what to do, and whether trying again may help" {
    a_login
    a_profile
    # Each after nothing: what was learned of an earlier answer would be told first.
    answer() { rm -rf "$(runtime_dir)"/{profiles,refreshes} && script "$(jq -nc --argjson status "$1" --arg body "$2" '{$status, $body}')"; }
    answer 400 '{"error": "invalid_grant"}'
    says 3 "refresh 'claude': token endpoint: 400 invalid_grant" 'log in again *' refresh --force
    login_ends_in -60
    says 3 "refresh 'claude': $CREDENTIALS: the server refused this refresh token for good" 'log in again *' refresh
    answer 400 '{"error": "invalid_client"}'
    says 1 "refresh 'claude': token endpoint: 400 invalid_client" '?*' refresh --force
    answer 503 '{}'
    says 4 "refresh 'claude': token endpoint: 503" '?*' refresh --force
    login_ends_in -60
    says 4 "refresh 'claude': no request to the token endpoint before 20*Z: token endpoint: 503" 'wait, or override it once: oci-oauth refresh --force claude' refresh
    says 4 "token 'claude': no request to the token endpoint before 20*Z: token endpoint: 503" 'wait, or override it once: oci-oauth refresh --force claude' token claude
    stop_endpoint
    run -4 oci_oauth refresh --force
    [[ $output == *"refresh 'claude': connect to localhost:"*": connection refused"*'hint: '* ]]
}

@test "an unusable login is reported with the file and the remedy" {
    a_login
    a_profile
    cp "$CREDENTIALS" "$BATS_TEST_TMPDIR/login"
    rm "$CREDENTIALS"
    says 1 "refresh 'claude': $CREDENTIALS: No such file or directory" 'log in first, or correct "credentials" in the configuration' refresh
    echo '{' >"$CREDENTIALS"
    says 1 "refresh 'claude': $CREDENTIALS:2:1: not JSON*" 'log in again with the program that owns this file' refresh
    jq '.claudeAiOauth.accessToken = 7' "$BATS_TEST_TMPDIR/login" >"$CREDENTIALS"
    says 1 "refresh 'claude': $CREDENTIALS: /claudeAiOauth/accessToken: is not a string" 'log in again with the program that owns this file' refresh
    jq '.claudeAiOauth |= . + {accessToken: "", refreshToken: "", expiresAt: 0}' "$BATS_TEST_TMPDIR/login" >"$CREDENTIALS"
    says 3 "refresh 'claude': $CREDENTIALS: /claudeAiOauth/refreshToken: there is no token" 'log in again with the program that owns this file' refresh
}

# Everything that a command or the log has said, without what `token` is asked for.
@test "no token is in any output, whatever goes wrong" {
    a_login
    local said=$BATS_TEST_TMPDIR/said secrets=$BATS_TEST_TMPDIR/secrets directory
    directory=$(a_directory tokens)
    : >"$said"
    note() { "$@" >>"$said" 2>&1 3>&- || true; }
    remember() { grep -oE 'sk-[[:alnum:]_-]+' "$CREDENTIALS" >>"$secrets" || true; } # whatever document it is
    everything() {
        remember
        note oci_oauth refresh
        note oci_oauth refresh --force
        remember
        note oci_oauth status
        note oci_oauth status --json
        note oci_oauth status --prometheus
        note oci_oauth doctor
        note oci_oauth doctor --json
        oci_oauth token claude --min-ttl 400d >/dev/null 2>>"$said" || true
        oci_oauth token claude >/dev/null 2>>"$said" || true
    }
    a_profile
    configure ".metrics_file = \"$said.prom\""
    start box --tmpfs "$target"
    start other --volume "$directory:$target"
    everything
    # A server that echoes what it was sent, in every way that it can.
    local refresh_token status
    refresh_token=$(jq -r .claudeAiOauth.refreshToken "$CREDENTIALS")
    for status in 200 302 400 401 403 429 500; do
        script "$(jq -nc --argjson status "$status" --arg body "{\"error\": \"$refresh_token\", \"error_description\": \"$refresh_token\"}" \
            --arg token "$refresh_token" '{$status, $body, headers: {"Retry-After": $token, Location: ("https://" + $token)}}')"
        note oci_oauth refresh --force
        note oci_oauth status
    done
    script '{"ending": "truncate"}'
    note oci_oauth refresh --force
    everything
    # Documents that hold tokens where none belongs.
    remember
    cp "$CREDENTIALS" "$BATS_TEST_TMPDIR/login"
    local token
    token=$(current_token)
    local filter
    for filter in ".claudeAiOauth.expiresAt = \"$token\"" ".claudeAiOauth.scopes = \"$token\"" \
        ".claudeAiOauth.accessToken = {\"$token\": 1}" ".\"$token\" = 1 | .claudeAiOauth = null"; do
        jq "$filter" "$BATS_TEST_TMPDIR/login" >"$CREDENTIALS"
        everything
    done
    { head -c 200 "$BATS_TEST_TMPDIR/login" && echo "$token"; } >"$CREDENTIALS"
    everything
    echo "$token" >"$CREDENTIALS"
    everything
    start third --tmpfs "$target" || true
    logged >>"$said"
    [[ -s $secrets && -s $said.prom && $(wc -l <"$said") -gt 100 ]]
    run grep -F -f <(sort -u "$secrets") "$said" "$said.prom"
    echo "$output"
    ((status == 1))
}

@test "a standard stream that is closed does not become a file of ours" {
    a_login
    a_profile
    login_ends_in -60
    oci_oauth refresh 2>&-
    script '{"status": 400, "body": "{\"error\": \"invalid_client\"}"}'
    local before
    before=$(<"$CREDENTIALS")
    run -1 bash -c 'exec "$@" 2>&-' - oci-oauth --config "$CONFIG" refresh --force
    run -1 grep -rlF 'oci-oauth: ' "$(runtime_dir)" "${CREDENTIALS%/*}"
    [[ $(<"$CREDENTIALS") == "$before" ]]
    run -1 bash -c 'exec "$@" <&-' - oci-oauth --config "$CONFIG" refresh --rejected
    [[ $output == *'stdin: Bad file descriptor'* ]]
}

@test "a file that is larger than the caller's limit is named" {
    a_login
    a_profile
    run -1 bash -c 'ulimit -f 0 && exec "$@" >"$0"' "$BATS_TEST_TMPDIR/shown" oci-oauth --config "$CONFIG" status
    [[ $output == 'oci-oauth: error: stdout: File too large'* ]]
}

@test "a place where nothing can be written is named before anything is tried" {
    a_login
    a_profile
    oci_oauth() { as_operator oci-oauth --config "$CONFIG" "$@" 3>&-; }
    mount -t tmpfs -o ro,mode=755 tmpfs "$BATS_TEST_TMPDIR/run"
    configure ".runtime_dir = \"$BATS_TEST_TMPDIR/run/oci-oauth\""
    says 1 "$BATS_TEST_TMPDIR/run/oci-oauth: mkdir: Read-only file system" 'mount it read-write' refresh
    doctor_finds problem 'runtime directory' 'cannot be created: Read-only file system' 'mount it read-write'
    mount -o remount,rw,size=4k "$BATS_TEST_TMPDIR/run"
    says 1 "refresh 'claude': $BATS_TEST_TMPDIR/run/oci-oauth/*: No space left on device" 'make room; to see where: df' refresh
}

@test "without the variables of a login, a user is told which one is missing, and the way to go on" {
    a_login
    as_user() { setpriv --reuid "$somebody" --regid "$somebody" --clear-groups env -i "$OCI_OAUTH_PREFIX/bin/oci-oauth" "$@" 3>&-; }
    oci_oauth() { as_user "$@"; }
    says 2 'neither XDG_CONFIG_HOME nor HOME names a directory' 'name the configuration with --config FILE' refresh claude
    says 2 'install: HOME does not name a directory' "*for the whole machine: sudo $OCI_OAUTH_PREFIX/bin/oci-oauth install podman" install podman
    as_user() { setpriv --reuid "$somebody" --regid "$somebody" --clear-groups env -i HOME=/tmp "$OCI_OAUTH_PREFIX/bin/oci-oauth" "$@" 3>&-; }
    says 2 'install: XDG_RUNTIME_DIR does not name a directory' '*' install podman
}

@test "a user who may not make a fleet's keys is told who may" {
    a_login
    install -d -m 755 /etc/oci-oauth
    install -d -o "$somebody" -m 700 "$BATS_TEST_TMPDIR/own"
    a_profile
    configure ".runtime_dir = \"$BATS_TEST_TMPDIR/own/run\""
    oci_oauth() { setpriv --reuid "$somebody" --regid "$somebody" --clear-groups "$OCI_OAUTH_PREFIX/bin/oci-oauth" --config "$CONFIG" "$@" 3>&-; }
    says 1 'fleet init: /etc/oci-oauth/fleet: Permission denied' "sudo $OCI_OAUTH_PREFIX/bin/oci-oauth --config $CONFIG fleet init" fleet init
}

@test "to log out without the program that does it is a failure, and the login stays" {
    a_login
    a_profile
    mount -t tmpfs tmpfs "$OCI_OAUTH_PREFIX/libexec/oci-oauth"
    run oci-oauth --config "$CONFIG" logout claude
    umount "$OCI_OAUTH_PREFIX/libexec/oci-oauth"
    ((status != 0)) && [[ $output == *oci-oauth-login* && -e $CREDENTIALS ]]
}

@test "to log out without a login is no failure" {
    a_login
    a_profile '. + {provider: "oauth2", client_id: "x", issuer: "https://127.0.0.1:9"}'
    rm "$CREDENTIALS"
    run -0 oci_oauth logout claude
    [[ $output == *"logout 'claude': there is no login: $CREDENTIALS: No such file or directory"* ]]
    rmdir "${CREDENTIALS%/*}"
    run -0 oci_oauth logout claude
    [[ $output == *"logout 'claude': there is no login: ${CREDENTIALS%/*}: No such file or directory"* ]]
    doctor_finds problem "login 'claude'" 'No such file or directory' 'oci-oauth login claude'
}
