# SPDX-License-Identifier: Apache-2.0
# oci-oauth status, as a person, a script and Prometheus see it.
load words

@test "status makes nothing and needs no network" {
    a_login
    a_profile
    stop_endpoint
    run oci_oauth status
    ((status == 0))
    [[ $output == *'claude   never refreshed  -'*'hint: oci-oauth refresh claude' ]]
    [[ ! -e $(runtime_dir) ]]
}

@test "another user is told who owns the runtime directory" {
    a_login
    a_profile
    refreshed
    run -1 setpriv --reuid "$somebody" --clear-groups "$OCI_OAUTH_PREFIX/bin/oci-oauth" --config "$CONFIG" status
    [[ $output == "oci-oauth: error: /run/oci-oauth: belongs to uid 0, and only that user can read it
hint: sudo $OCI_OAUTH_PREFIX/bin/oci-oauth --config $CONFIG status" ]]
}

@test "the table shows the token's lifetime and which container has the current one" {
    a_login
    a_profile
    local directory
    directory=$(a_directory tokens)
    start mounted --tmpfs "$target"
    start written --volume "$directory:$target"
    run oci_oauth status
    [[ $(grep -c ' current ' <<<"$output") == 2 ]]
    [[ $output == *'claude   fresh  7 h 59 min  - '* ]]

    rm "$directory/token"
    run oci_oauth status
    [[ $output == *"claude: container $(id_of written | cut -c1-12): token is missing or empty"*'hint: oci-oauth refresh claude'* ]]
    grep -qE "^$(id_of written | cut -c1-12) +claude +write +.* outdated +$target\$" <<<"$output"
    oci_oauth refresh claude
    [[ $(oci_oauth status | grep -c ' current ') == 2 ]]

    rm "$directory/token"
    echo mine >"$directory/token"
    run oci_oauth status
    grep -qE ' write +.* failed ' <<<"$output"
    [[ $output == *'token: was not written by oci-oauth, so it is left alone'*'hint: set the profile'* ]]
    [[ $(status_of '.containers[] | select(.delivery == "write") | .state') == failed ]]
}

@test "a mount without any token is not called current" {
    a_login
    a_profile
    rm "$CREDENTIALS"
    start box --tmpfs "$target"
    [[ $(status_of '.containers[] | "\(.state) \(.reason)"') == 'unknown nothing has been published yet' ]]
}

@test "a container whose profile is gone is shown, and its token is withdrawn" {
    a_login
    a_profile
    start box --tmpfs "$target"
    oci_oauth refresh
    configure '.profiles.renamed = (.profiles.claude | .provider = "claude" | .target = "/run/secrets/renamed") | del(.profiles.claude)'
    run oci_oauth status
    [[ $output == *"claude: container $(id_of box | cut -c1-12): its profile was removed from the configuration"* ]]
    run -0 oci_oauth refresh
    [[ $output == *"profile 'claude': was removed from $CONFIG, so its token is withdrawn from container $(id_of box)"* ]]
    [[ -z $(ls -A "$SHARE") ]]
    run -0 oci_oauth refresh
    [[ $output != *'is withdrawn'* ]]
}

@test "the last error is shown with its time and its hint" {
    a_login
    a_profile
    script '{"status": 400, "body": "{\"error\": \"invalid_grant\"}"}'
    run -3 oci_oauth refresh --force
    run oci_oauth status
    [[ $output == *'claude   log in again '* ]]
    [[ $output == *'claude: token endpoint: 400 invalid_grant (just now, 20'*'Z)
  hint: log in again with the program that owns this login'* ]]
}

@test "only a terminal gets colours, and not if it wants none" {
    a_login
    a_profile
    [[ $(TERM=xterm oci_oauth status) != *$'\e'* ]]
    shown_with() { on_terminal env "$@" oci-oauth --config "$CONFIG" status </dev/null; }
    [[ $(shown_with TERM=xterm) == *$'\e[33mnever refreshed\e[0m'* ]]
    [[ $(shown_with TERM=xterm NO_COLOR=1) != *$'\e['* ]]
    [[ $(shown_with TERM=dumb) != *$'\e['* ]]
}

@test "--watch draws again when a token comes, ends with ^C, and gives the terminal back" {
    a_login
    a_profile
    local screen=$BATS_TEST_TMPDIR/screen keys=$BATS_TEST_TMPDIR/keys
    mkfifo "$keys"
    TERM=xterm on_terminal oci-oauth --config "$CONFIG" status --watch <"$keys" >"$screen" 2>&1 &
    local pid=$!
    exec 9>"$keys"
    eventually --at "$BATS_TEST_TMPDIR" grep -q 'never refreshed' "$screen"
    refreshed
    eventually --at "$BATS_TEST_TMPDIR" grep -q 'fresh' "$screen"
    printf '\003' >&9
    exec 9>&-
    wait "$pid"
    [[ $(tail -c 200 "$screen") == *$'\e[?7h\e[?25h\e[?1049l'* ]]
    [[ $(grep -ac $'\e\[2J' "$screen") == 1 ]] # cleared once: it is drawn over, and does not blink
}

@test "--watch needs a terminal" {
    a_login
    a_profile
    run -2 oci_oauth status --watch
    [[ $output == 'oci-oauth: error: status: --watch needs a terminal, and stdout is not one
hint: oci-oauth status' ]]
}

@test "a refresh ends by writing the metrics file, and counts how it ended" {
    a_login
    a_profile
    local file=$BATS_TEST_TMPDIR/oci-oauth.prom
    configure ".metrics_file = \"$file\""
    refreshed
    script '{"status": 503, "body": "{}"}'
    run -4 oci_oauth refresh --force
    [[ $(stat -c %a "$file") == 644 ]]
    grep -qx 'oci_oauth_refreshes_total{profile="claude",outcome="refreshed"} 1' "$file"
    grep -qx 'oci_oauth_refreshes_total{profile="claude",outcome="server"} 1' "$file"
    grep -qx 'oci_oauth_state{profile="claude",state="fresh"} 1' "$file"
    diff <(grep -v remaining "$file") <(oci_oauth status --prometheus | grep -v remaining)
    ! command -v promtool || promtool check metrics <"$file"
}

@test "a metrics file that cannot be written is a warning, and the refresh succeeds" {
    a_login
    a_profile
    configure '.metrics_file = "/no/such/directory/x.prom"'
    run -0 oci_oauth refresh
    [[ $output == *'warning: metrics_file: /no/such/directory: No such file or directory'*'hint: make the directory'* ]]
}
