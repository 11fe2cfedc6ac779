# SPDX-License-Identifier: Apache-2.0
# oci-oauth token: the host's own way to a token that lives long enough.
load oauth
bats_require_minimum_version 1.5.0

@test "a token is printed raw, as JSON and as a header" {
    a_login
    a_profile
    [[ $(oci_oauth token claude) == "$(current_token)" ]]
    [[ $(oci_oauth token claude --format header) == "Authorization: Bearer $(current_token)" ]]
    oci_oauth token --format=json claude >"$BATS_TEST_TMPDIR/json"
    [[ $(jq -r .access_token "$BATS_TEST_TMPDIR/json") == "$(current_token)" ]]
    [[ $(jq -r .token_type "$BATS_TEST_TMPDIR/json") == Bearer ]]
    [[ $(jq -r '.expires_at | fromdate' "$BATS_TEST_TMPDIR/json") == "$(jq '.claudeAiOauth.expiresAt / 1000 | floor' "$CREDENTIALS")" ]]
    [[ $(counted posts) == 0 ]]
}

@test "a token that would not live long enough is refreshed first" {
    a_login
    login_ends_in 3000
    a_profile '.refresh_before = "1m"'
    oci_oauth token claude --min-ttl 10m >/dev/null
    [[ $(counted posts) == 0 ]]
    [[ $(oci_oauth token claude --min-ttl 55m) == "$(current_token)" ]]
    [[ $(counted posts) == 1 ]]
}

@test "a lifetime that no token of the server has is refused, and asked for once at most" {
    a_login
    a_profile
    for _ in 1 2 3; do
        run -2 oci_oauth token claude --min-ttl 10d
        [[ $output == *"this server's tokens are valid for only "*'hint: use a smaller --min-ttl'* ]]
    done
    [[ $(counted posts) == 1 ]]
}

@test "a token is printed without waiting for its sinks, which the next refresh feeds" {
    a_login
    a_profile
    configure '.sinks = [{"exec": ["/bin/sh", "-c", "touch '"$BATS_TEST_TMPDIR"'/fed"], "profiles": ["claude"]}]'
    login_ends_in -60
    [[ $(oci_oauth token claude) == "$(current_token)" ]]
    [[ ! -e $BATS_TEST_TMPDIR/fed ]]
    oci_oauth refresh
    [[ -e $BATS_TEST_TMPDIR/fed ]]
}

@test "a wrong call of a verb is reported with the wrong word" {
    a_login
    a_profile
    local call
    for call in 'claude other' '' 'nobody' '--min-ttl 5 claude' '--min-ttl' '--format xml claude' '--colour claude'; do
        # shellcheck disable=SC2086
        run oci_oauth token $call
        ((status == 2))
        [[ ${lines[0]} == 'oci-oauth: error: token: '* && ${lines[1]} == 'hint: oci-oauth token --help' ]]
    done
}

@test "what another version published, or what is damaged, is replaced, and reported" {
    a_login
    a_profile
    oci_oauth refresh
    local record damage
    for record in "$(runtime_dir)"/{profiles,refreshes}/claude.json; do
        for damage in '{"version": 9, "login": {}}' '{"version": 2, "log'; do
            echo "$damage" >"$record"
            [[ $record == *refreshes* || $(status_of .state) == unknown ]]
            run oci_oauth refresh
            ((status == 0))
            [[ $output == *"$record"*'so it is replaced'* ]]
            [[ $(status_of .state) == fresh && $(jq .version "$record") != 9 ]]
        done
    done
    [[ $(counted posts) == 0 ]]
}
