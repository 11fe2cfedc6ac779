# SPDX-License-Identifier: Apache-2.0
# Each published client in a container, on exactly what the hook delivers, and on the host beside `oci-oauth refresh`. The token
# endpoint and the API are stand-ins on loopback (stand-in.mjs); each test writes what it saw to FIGURES/CLIENT.TEST.
load stand-in
load rounds

readonly hour=3600 rounds=${ROUNDS:-50} rounds_of_a_session=10

setup() {
    clients_setup
    LOGIN=$OPERATOR_HOME/$login_file
    PROFILE=$ENGINE
    REQUESTS=$WORLD/requests
    target=/run/secrets/$ENGINE
    mkdir -p "${LOGIN%/*}"
    a_profile
}

a_profile() {
    jq -n --arg name "$ENGINE" --arg credentials "$LOGIN" --arg ca_file "$WORLD/ca.pem" --arg target "$target" \
        '{profiles: {($name): {$credentials, $ca_file, $target}}}' >"$CONFIG"
}

a_login_for() {
    stand_in "login?expires_in=$1" | jq "$(document)" >"$LOGIN"
    chmod 600 "$LOGIN"
}

current_token() { jq -r "$access_token" "$LOGIN"; }

# a_client_container OPTION...: the client alone in it, and the link that doctor asks for.
a_client_container() {
    client_files
    settings "$ROOT/root"
    make_links
    # shellcheck disable=SC2046 # words
    start_client "$@" -- timeout "$client_seconds" $(client)
}
client_has_ended() { podman_as_operator wait box >/dev/null 3>&-; }

# The client in the container has had its answer, from a token that was valid, and asked for none.
expect_answered() {
    client_has_ended
    output_of box >"$WORLD/output" 2>&1
    tail -n 5 "$WORLD/output"
    requests '"\(.what) \(.status) \(.path) \(.accessToken // "" | .[-24:-10])"'
    grep -q ok "$WORLD/output"
    [[ $(api_tokens | tail -1) == "200 $(current_token)" ]]
    [[ $(token_requests) == "$1" ]]
}

# The client on the host, on the login itself, in the background.
start_on_host() {
    # shellcheck disable=SC2046 # words
    as_operator env --chdir="$WORLD" "${environment[@]}" timeout "$client_seconds" $(client) </dev/null >"$WORLD/output" 2>&1 3>&- &
    client_pid=$!
}
# A session of the client with some rounds: it is stopped at the API, then our request at the token endpoint, until the client has
# looked at its login once more and goes on with a token that is valid: it has no need of its own.
refresh_beside_a_session() {
    local held asked used last=$((round + rounds_of_a_session))
    a_login_for $((hour / 2)) # the client does not want to refresh yet
    stand_in "expires_in?s=$((hour / 2))"
    stand_in 'hold?what=api&n=99'
    held=$(count '.what == "held"')
    start_on_host
    eventually --at "$WORLD/requests" is_held $((held + 1))
    for (( ; round < last && round < rounds; round++)); do
        hold_refreshes 2
        asked=$(refreshes_held)
        start_refresh --force
        eventually --at "$WORLD/requests" are_held $((asked + 1))
        used=$(api_tokens | wc -l)
        stand_in 'release?what=api&n=99'
        eventually --at "$WORLD/requests" has_used "$used" || echo "round $round: it did not go on" >>"$WORLD/failed"
        stand_in 'release?what=token'
        end refresh "$refresh_pid"
        expect_login
    done
    stand_in release
    end client "$client_pid"
}
hold_refreshes() { stand_in "hold?what=token&n=$1"; }
release_all() { stand_in release; }
refreshes_held() { count '.what == "held" and .status == "token"'; }
has_used() { (($(api_tokens | wc -l) > $1)); }
expect_login() {
    [[ $(stand_in "is_current?token=$(jq -r "$refresh_token" "$LOGIN")") == true ]] || echo "round $round: lost" >>"$WORLD/failed"
}

@test "the first request has the token that the hook delivered; the service is a stand-in" {
    a_login_for $((8 * hour))
    a_client_container --tmpfs "$target"
    expect_answered 0
    saw 'the delivered token'
}

@test "a session goes on with the new token after a rotation that ended the old one; the service is a stand-in" {
    a_login_for $((8 * hour))
    stand_in 'hold?what=api&n=99'
    a_client_container --tmpfs "$target"
    eventually --at "$WORLD/requests" is_held 1
    stand_in 'refuse_old?on=1'
    oci_oauth refresh --force "$ENGINE"
    stand_in release
    expect_answered 1
    local refused
    refused=$(count '.what == "api" and .status == 401')
    ((refused == 0)) && saw 'from its next request on' || saw "once the API had refused the old one (requests: $refused)"
}

@test "after an idle night the first request has a new token; the service is a stand-in" {
    a_login_for $((-8 * hour))
    a_client_container --tmpfs "$target"
    expect_answered 1
    [[ $(api_tokens | grep -c '^401' || true) == 0 ]]
    saw 'a new token from its first request on'
}

@test "in a directory that a person bound where the client keeps its login, nothing else is needed; the service is a stand-in" {
    target=/root/${login_file%/*}
    a_profile
    a_login_for $((8 * hour))
    mkdir "$WORLD/volume"
    a_client_container --volume "$WORLD/volume:$target"
    expect_answered 0
    [[ -z $(links) ]]
    saw 'the delivered token'
}

@test "on the host beside oci-oauth refresh no refresh token is used twice and no login is lost; the service is a stand-in" {
    local round=0
    settings "$OPERATOR_HOME"
    a_login_for 60
    watch_login
    while ((round < rounds)); do
        if ((!try_seconds)); then
            refresh_beside_a_session
            continue
        fi
        a_login_for 60 # the client wants to refresh, too
        race_for_the_lock "$try_seconds"
        expect_login
        ((++round))
    done
    local ours
    ours=$(times_refreshed)
    saw "$rounds rounds: $(token_requests) requests, $ours by oci-oauth, $(reuses) reuses, $(times_lost) logins lost, $(other_failures) failures"
    cat "$WORLD/failed"
    [[ ! -s $WORLD/failed ]] || requests 'select(.what != "api" and .what != "other") | "\(.what) \(.status) \(.agent) \(.refreshToken) \(.reused)"'
    [[ ! -s $WORLD/failed && $(token_requests) == "$rounds" && $(reuses) == 0 ]]
    ((try_seconds)) || ((ours == rounds))
}
