# SPDX-License-Identifier: Apache-2.0
# What the installed oci-oauth does for a sink. The sinks' own tests are in tests/refresh.
bats_require_minimum_version 1.5.0
load words

setup() {
    sinks_setup
    a_login
    a_profile
    seen=$BATS_TEST_TMPDIR/seen
}
teardown() { sinks_teardown; }

@test "a sink gets each new token once, with the profile and the expiry" {
    sink "{exec: [\"/bin/sh\", \"-c\", \"echo \\\"\$OCI_OAUTH_PROFILE \$OCI_OAUTH_EXPIRES_AT \$(cat)\\\" >> $seen\"]}"
    oci_oauth refresh
    oci_oauth refresh
    [[ $(cat "$seen") == "claude $(status_of .expires_at) $(current_token)" ]]
    refreshed
    [[ $(tail -n 1 "$seen") == *" $(current_token)" ]]
    [[ $(lines "$seen") == 2 ]]
    [[ $(sink_state '| "\(.profile) \(.sink) \(.failures) \(.error)"') == 'claude exec /bin/sh 0 null' ]]
}

@test "a failing sink does not fail a refresh, is reported and shown, and is tried again when nothing is due" {
    sink "{exec: [\"/bin/sh\", \"-c\", \"echo once >> $seen; echo no such place; test -e $seen.mended\"]}"
    run oci_oauth refresh
    ((status == 0))
    [[ $output == *"warning: 'claude': sink 'exec /bin/sh': exit status 1: no such place"* ]]
    [[ $(sink_state '| "\(.failures) \(.error) \(.delivered_at)"') == '1 exit status 1: no such place null' ]]
    [[ $(oci_oauth status) == *"claude: sink 'exec /bin/sh': exit status 1: no such place (1 in a row, "* ]]
    touch "$seen.mended"
    oci_oauth refresh
    oci_oauth refresh
    [[ $(lines "$seen") == 2 ]]
    [[ $(oci_oauth status) != *sink* ]]
}

@test "while a sink runs the profile's lock is free, so that no container waits for it" {
    mkfifo "$seen"
    sink "{exec: [\"/bin/sh\", \"-c\", \"echo begun > $seen; cat $seen\"]}"
    oci_oauth refresh 2>/dev/null &
    [[ $(timeout 20 cat "$seen") == begun ]]
    flock --nonblock --exclusive "$(runtime_dir)/locks/claude" true
    start box --tmpfs "$target"
    has_current_token box
    echo end >"$seen"
    wait $!
}

@test "a token that oci-oauth token refreshes reaches the sink with the next refresh" {
    sink "{exec: [\"/bin/sh\", \"-c\", \"cat > $seen\"]}"
    login_ends_in -60
    oci_oauth token claude >"$seen.printed"
    [[ ! -e $seen ]]
    oci_oauth refresh
    cmp "$seen" <(tr -d '\n' <"$seen.printed")
}

@test "a sink that leaves the configuration leaves nothing behind" {
    sink '{exec: ["/bin/true"]}'
    oci_oauth refresh
    [[ -n $(ls "$(runtime_dir)/sinks") ]]
    configure 'del(.sinks)'
    oci_oauth refresh
    [[ -z $(ls "$(runtime_dir)/sinks") ]]
}

@test "a logout says which sinks keep the last token" {
    sink "{exec: [\"/bin/sh\", \"-c\", \"cat >>$seen\"]}"
    oci_oauth refresh
    run oci_oauth logout claude
    [[ $output == *"logout 'claude': the last token stays in its sinks: 'exec /bin/sh'"* ]]
}

@test "a mistake in a sink stops the refresh with its place" {
    sink '{exec: ["relative"]}'
    run oci_oauth refresh
    ((status == 2))
    [[ $output == *'/sinks/0/exec: does not begin with an absolute path'* ]]
}

# nginx as the server, with requests and answers as OneCLI's public sources have them; it keeps the body in a file.
a_onecli() {
    issue_certificate "$BATS_TEST_TMPDIR/onecli" localhost
    install -d -o www-data "$BATS_TEST_TMPDIR/bodies"
    chmod 711 "$BATS_TEST_TMPDIR"
    cat >/etc/nginx/conf.d/onecli.conf <<END
server { listen 127.0.0.1:10200; location / { return 200 '{"success":true}'; } }
server {
    listen 127.0.0.1:10254;
    listen 127.0.0.1:10255 ssl;
    ssl_certificate $BATS_TEST_TMPDIR/onecli/cert.pem;
    ssl_certificate_key $BATS_TEST_TMPDIR/onecli/key.pem;
    location = /v1/secrets/secret-1 {
        if (\$http_authorization != "Bearer oc_key") { return 401; }
        if (\$request_method != PATCH) { return 405; }
        client_body_temp_path $BATS_TEST_TMPDIR/bodies;
        client_body_in_file_only on;
        proxy_pass http://127.0.0.1:10200;
    }
}
END
    start_nginx
}

@test "OneCLI gets the token with the settings of an environment file, by HTTP and by HTTPS, and no argument shows it" {
    a_onecli
    install -m 600 /dev/stdin "$BATS_TEST_TMPDIR/.env" <<'END'
# of another program
ONECLI_OAUTH_SECRET_ID="secret-1"
ONECLI_URL=http://127.0.0.1:10254
ONECLI_API_KEY=oc_key
END
    sink "{onecli: {env_file: \"$BATS_TEST_TMPDIR/.env\"}}"
    sink "{onecli: {env_file: \"$BATS_TEST_TMPDIR/.env\", url: \"https://localhost:10255\",
                    ca_file: \"$BATS_TEST_TMPDIR/onecli/cert.pem\"}}"
    sink "{exec: [\"/bin/sh\", \"-c\", \"cat > $seen\"]}"
    as_operator strace --follow-forks --quiet=all --verbose=all --string-limit=65536 --trace=execve,execveat \
        --output="$BATS_TEST_TMPDIR/trace" oci-oauth --config "$CONFIG" refresh 2>"$BATS_TEST_TMPDIR/messages"
    cat "$BATS_TEST_TMPDIR/messages"
    [[ $(oci_oauth status --json | jq '[.sinks[].failures] | add') == 0 ]]
    [[ $(cat "$BATS_TEST_TMPDIR"/bodies/* | jq -r .value | sort -u) == "$(current_token)" ]]
    [[ $(find "$BATS_TEST_TMPDIR/bodies" -type f | wc -l) == 2 ]]

    grep -q oci-oauth-onecli "$BATS_TEST_TMPDIR/trace"
    local hidden
    for hidden in "$(current_token)" oc_key; do
        run ! grep -F -e "$hidden" "$BATS_TEST_TMPDIR/trace" "$BATS_TEST_TMPDIR/messages" -r "$(runtime_dir)/sinks"
    done
}
