# SPDX-License-Identifier: Apache-2.0
# oci-oauth refresh: what it does for tokens that a server refused, for several profiles, and for endpoints that hang.
load oauth
bats_require_minimum_version 1.5.0

published() { jq -r "$2" "$(runtime_dir)/profiles/$1.json"; }

@test "ten reports of one refused token make one request, and later ones none" {
    a_login
    a_profile
    oci_oauth refresh
    local refused reporter reporters=()
    refused=$(current_token)
    script '{"at": "received", "delay_ms": 500}'
    for reporter in {1..10}; do
        oci_oauth refresh claude --rejected <<<"$refused" >/dev/null 2>"$BATS_TEST_TMPDIR/told.$reporter" &
        reporters+=($!)
    done
    for reporter in "${reporters[@]}"; do wait "$reporter"; done
    [[ $(counted posts) == 1 && $(current_token) != "$refused" ]]
    oci_oauth refresh claude --rejected <<<"$refused"
    [[ $(counted posts) == 1 ]]
    [[ $(cat "$SHARE/token") == "$(current_token)" ]]
    run ! grep -F "$refused" "$BATS_TEST_TMPDIR"/told.*
}

@test "a report needs a token, the name of one profile, and no other wish" {
    a_login
    a_profile
    run -2 oci_oauth refresh claude --rejected </dev/null
    [[ $output == *'there is no token on standard input'* ]]
    oci_oauth refresh --rejected <<<token # of no profile
    run -2 oci_oauth refresh claude --rejected --force <<<token
    [[ $(counted posts) == 0 ]]
}

@test "profiles of one login, one of them by a link: one rotation, and each has the new token" {
    a_login
    a_profile
    ln -s "$CREDENTIALS" "$OPERATOR_HOME/link.json"
    configure '.profiles.work = .profiles.claude | .profiles.work += {provider: "claude", credentials: "'"$OPERATOR_HOME/link.json"'"}'
    oci_oauth refresh
    oci_oauth refresh --force
    [[ $(counted posts) == 1 ]]
    local profile
    for profile in claude work; do
        [[ $(cat "$(runtime_dir)/share/$profile/token") == "$(current_token)" ]]
        [[ $(jq .refreshed_at "$(runtime_dir)/refreshes/$profile.json") != null ]]
    done
    oci_oauth refresh --force work
    [[ $(counted posts) == 2 && $(cat "$SHARE/token") == "$(current_token)" ]]
}

@test "what one profile of a login learns of its endpoint, the others know" {
    a_login
    a_profile
    configure '.profiles.work = .profiles.claude | .profiles.work.provider = "claude"'
    login_ends_in -60
    script '{"status": 400, "body": "{\"error\":\"invalid_grant\"}"}'
    run -3 oci_oauth refresh
    [[ $(published claude .last_error.kind) == login_required && $(published work .last_error.kind) == login_required ]]
    run -3 oci_oauth refresh
    [[ $(counted posts) == 1 ]]
}

@test "a login whose endpoint hangs delays no other" {
    a_login
    a_profile
    a_black_hole
    cp "$CREDENTIALS" "$OPERATOR_HOME/hung.json"
    configure '.profiles = {aaa: (.profiles.claude + {provider: "claude", credentials: "'"$OPERATOR_HOME/hung.json"'",
        token_url: "'"$(cat "$HOLE/url")"'"})} + .profiles'
    expire_in -60 "$OPERATOR_HOME/hung.json"
    login_ends_in -60
    oci_oauth refresh >"$BATS_TEST_TMPDIR/run.log" 2>&1 &
    local run=$!
    eventually --at "$(runtime_dir)/profiles" test -s "$(runtime_dir)/profiles/claude.json"
    [[ $(cat "$SHARE/token") == "$(current_token)" && $(counted refreshes) == 1 ]]
    kill "$run"
    wait "$run" || true
    [[ ! -e $(runtime_dir)/profiles/aaa.json || $(published aaa .last_error.kind) == network ]]
}

@test "a missing provider is a failed attempt: reported, with its exit code, and followed by a pause" {
    a_login
    a_profile '.provider = "nowhere"'
    run -2 oci_oauth refresh
    [[ $output == *"provider 'nowhere': there is no nowhere.json"* ]]
    [[ $(published claude .last_error.kind) == configuration && $(published claude .attempts) == 1 ]]
}

@test "a refresh that failed is not tried again at once, whatever the reason, but with --force" {
    a_login
    a_profile
    login_ends_in -60
    script '{"status": 404, "body": "gone"}'
    run -1 oci_oauth refresh
    run -1 oci_oauth refresh
    [[ $output == *'no request to the token endpoint before'*'404'* ]]
    [[ $(counted posts) == 1 ]]
    oci_oauth refresh --force
    [[ $(counted posts) == 2 ]]
}
