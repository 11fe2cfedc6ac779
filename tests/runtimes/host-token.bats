# SPDX-License-Identifier: Apache-2.0
# oci-oauth token: the host's own way to a token that lives long enough.
load oauth

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
    login_ends_in 1200
    a_profile '.refresh_before = "1m"'
    oci_oauth token claude --min-ttl 10m >/dev/null
    [[ $(counted posts) == 0 ]]
    [[ $(oci_oauth token claude --min-ttl 30m) == "$(current_token)" ]]
    [[ $(counted posts) == 1 ]]
}

@test "a life that no token of the server has is temporary, with a way out" {
    a_login
    a_profile
    run oci_oauth token claude --min-ttl 10d
    ((status == 4))
    [[ $output == *"the server's tokens do not live that long"*'hint: ask for a smaller --min-ttl'* ]]
}

@test "what is no call of the verb is told with the word that is wrong" {
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

@test "what another version published, or what is damaged, is written anew, and told" {
    a_login
    a_profile
    oci_oauth refresh
    local published
    published=$(runtime_dir)/profiles/claude.json
    for damage in '{"version": 2, "login": {}}' '{"version": 1, "log'; do
        echo "$damage" >"$published"
        [[ $(status_of .state) == unknown ]]
        run oci_oauth refresh
        ((status == 0))
        [[ $output == *"$published"*'so it is written anew'* ]]
        [[ $(status_of .state) == fresh ]]
    done
    [[ $(counted posts) == 0 ]]
}
