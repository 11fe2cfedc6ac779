# SPDX-License-Identifier: Apache-2.0
# Each published client in a container, on exactly what the hook delivers, and on the host beside `oci-oauth refresh`. The token
# endpoint and the API are stand-ins on loopback (stand-in.mjs); each test writes what it saw to FIGURES/CLIENT.TEST.
load ../runtimes/lab
load words

readonly hour=3600 rounds=${ROUNDS:-50}

setup() {
    lab_setup
    CONFIG=/etc/oci-oauth/config.json
    HOOK_ARGS=(--config "$CONFIG")
    WORLD=$BATS_TEST_TMPDIR/world
    LOGIN=$OPERATOR_HOME/$login_file
    target=/run/secrets/$ENGINE
    mkdir -p "$WORLD" /etc/oci-oauth "${LOGIN%/*}"
    a_stand_in
    jq -n --arg name "$ENGINE" --arg credentials "$LOGIN" --arg ca_file "$WORLD/ca.pem" \
        '{profiles: {($name): {$credentials, $ca_file}}}' >"$CONFIG"
}

teardown() {
    lab_teardown
    kill "$STAND_IN"
    has_ended "$STAND_IN"
    umount /etc/hosts /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt
}

# All names of the services lead to the stand-in, whose authority the whole lab trusts; no other name leads anywhere.
a_stand_in() {
    local names=(auth.openai.com chatgpt.com api.openai.com auth.x.ai cli-chat-proxy.grok.com auth.kimi.com api.kimi.com
        platform.claude.com api.anthropic.com registry.npmjs.org)
    make_certificate "$WORLD" "${names[@]}"
    echo "127.0.0.1 localhost ${names[*]}" >"$WORLD/hosts"
    echo 'nameserver 127.0.0.1' >"$WORLD/resolv.conf"
    cat /etc/ssl/certs/ca-certificates.crt "$WORLD/ca.pem" >"$WORLD/authorities"
    mount --bind "$WORLD/hosts" /etc/hosts
    mount --bind "$WORLD/resolv.conf" /etc/resolv.conf
    mount --bind "$WORLD/authorities" /etc/ssl/certs/ca-certificates.crt
    : >"$WORLD/requests"
    node "$BATS_TEST_DIRNAME/stand-in.mjs" "$WORLD" </dev/null >"$WORLD/log" 2>&1 3>&- &
    STAND_IN=$!
    eventually --at "$WORLD" test -s "$WORLD/ready"
}

stand_in() {
    local names=(auth.openai.com chatgpt.com api.openai.com auth.x.ai cli-chat-proxy.grok.com auth.kimi.com api.kimi.com
        platform.claude.com api.anthropic.com registry.npmjs.org)
    make_certificate "$WORLD" "${names[@]}"
    echo "127.0.0.1 localhost ${names[*]}" >"$WORLD/hosts"
    echo 'nameserver 127.0.0.1' >"$WORLD/resolv.conf"
    cat /etc/ssl/certs/ca-certificates.crt "$WORLD/ca.pem" >"$WORLD/authorities"
    mount --bind "$WORLD/hosts" /etc/hosts
    mount --bind "$WORLD/resolv.conf" /etc/resolv.conf
    mount --bind "$WORLD/authorities" /etc/ssl/certs/ca-certificates.crt
    : >"$WORLD/requests"
    node "$BATS_TEST_DIRNAME/stand-in.mjs" "$WORLD" </dev/null >"$WORLD/log" 2>&1 3>&- &
    STAND_IN=$!
    eventually --at "$WORLD" test -s "$WORLD/ready"
}

# make_certificate DIR NAME...: key.pem and cert.pem in DIR for these hosts, and ca.pem, the authority that vouches for them.
make_certificate() {
    local dir=$1 key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2) names
    shift
    names=$(printf ',DNS:%s' "$@")
    openssl req -x509 "${key[@]}" -subj /CN=authority -keyout "$dir/ca.key" -out "$dir/ca.pem" 2>/dev/null
    openssl req -x509 -CA "$dir/ca.pem" -CAkey "$dir/ca.key" "${key[@]}" -subj "/CN=$1" -addext basicConstraints=CA:FALSE \
        -addext "subjectAltName=${names#,}" -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
}

stand_in() { curl --silent --show-error --fail --cacert "$WORLD/ca.pem" "https://auth.openai.com/control/$1"; }

a_login_for() {
    stand_in "login?expires_in=$1" | jq "$(document)" >"$LOGIN"
    chmod 600 "$LOGIN"
}

oci_oauth() { as_operator oci-oauth --config "$CONFIG" "$@" 3>&-; }
current_token() { jq -r "$access_token" "$LOGIN"; }

# requests FILTER: those that came, in order, as a jq FILTER shows each.
requests() { jq -r "$1" "$WORLD/requests"; }
count() { requests "select($1) | 1" | wc -l; }
is_held() { (($(count '.what == "held"') >= $1)); }
api_tokens() { requests 'select(.what == "api") | "\(.status) \(.accessToken)"'; }
token_requests() { count '.what == "token"'; }
reuses() { count '.what == "token" and .reused'; }

environment=(DISABLE_AUTOUPDATER=1 CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt)

# The container: the host's /usr, the packages, and a home of its own in which the image made the link, if the client needs one.
a_client_container() {
    local root=$BATS_TEST_TMPDIR/box/rootfs file
    rootfs "$root"
    mkdir -p "$root"/{root,work,etc/ssl/certs} "$root$CLIENTS"
    rm -r "$root/bin"
    mkdir "$root/usr"
    ln -s usr/bin "$root/bin"
    for file in lib lib64; do [[ ! -L /$file ]] || ln -s "usr/$file" "$root/$file"; done
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs"
    settings "$root/root"
    if [[ $link ]]; then
        mkdir -p "$(dirname "$root/root/$link")"
        ln -s "$target/${link##*/}" "$root/root/$link"
    fi
    # shellcheck disable=SC2046 # words
    start box --tmpfs "$target" --volume /usr:/usr:ro --volume "$CLIENTS:$CLIENTS:ro" --workdir /work \
        --env HOME=/root "${environment[@]/#/--env=}" -- timeout "$client_seconds" $(client)
}
client_has_ended() { podman_as_operator wait box >/dev/null 3>&-; }

# The client in the container has had its answer, from a token that was valid, and asked for none.
expect_answered() {
    client_has_ended
    output_of box >"$WORLD/output" 2>&1
    tail -5 "$WORLD/output"
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
start_refresh() {
    oci_oauth refresh "$ENGINE" </dev/null >>"$WORLD/refresh.log" 2>&1 &
    refresh_pid=$!
}

# end NAME PID: waits for it, and notes if it failed.
end() {
    wait "$2" || {
        echo "round $round: $1 failed" >>"$WORLD/failed"
        tail -n 5 "$WORLD/output" "$WORLD/refresh.log" || true
    }
}

# One side's request is held at the endpoint until the other has had time to send one, too.
race_for_the_lock() {
    stand_in 'hold?what=token&n=2'
    local held
    held=$(count '.what == "held"')
    if ((round % 2)); then
        start_refresh
        eventually --at "$WORLD/requests" is_held $((held + 1))
        start_on_host
    else
        start_on_host
        eventually --at "$WORLD/requests" is_held $((held + 1))
        start_refresh
    fi
    ! event_wait_seconds=$try_seconds eventually --at "$WORLD/requests" is_held $((held + 2)) ||
        echo "round $round: both asked" >>"$WORLD/failed"
    stand_in release
    end client "$client_pid"
    end refresh "$refresh_pid"
}

# Our request is held until the client has ended: it had no need of its own.
refresh_early() {
    stand_in 'hold?what=token&n=2'
    local held
    held=$(count '.what == "held"')
    start_refresh
    eventually --at "$WORLD/requests" is_held $((held + 1))
    start_on_host
    end client "$client_pid"
    stand_in release
    end refresh "$refresh_pid"
}

saw() {
    echo "$1" >"$FIGURES/$ENGINE.$BATS_TEST_NUMBER"
    echo "# $ENGINE: $1" >&3
}

@test "the first request has the token that the hook delivered; the service is a stand-in" {
    a_login_for $((8 * hour))
    a_client_container
    expect_answered 0
    saw 'the delivered token'
}

@test "a session goes on with the new token after a rotation that ended the old one; the service is a stand-in" {
    a_login_for $((8 * hour))
    stand_in 'hold?what=api&n=99'
    a_client_container
    eventually --at "$WORLD/requests" is_held 1
    stand_in 'refuse_old?on=1'
    oci_oauth refresh --force "$ENGINE"
    stand_in release
    expect_answered 1
    local refused
    refused=$(count '.what == "api" and .status == 401')
    ((refused == 0)) && saw 'from its next request on' || saw "after $refused refused requests"
}

@test "after an idle night the first request has a new token; the service is a stand-in" {
    a_login_for $((-8 * hour))
    a_client_container
    expect_answered 1
    [[ $(api_tokens | grep -c '^401' || true) == 0 ]]
    saw 'a new token from its first request on'
}

@test "on the host beside oci-oauth refresh no refresh token is used twice and no login is lost; the service is a stand-in" {
    local round
    settings "$OPERATOR_HOME"
    : >"$WORLD/failed"
    for ((round = 0; round < rounds; round++)); do
        if ((try_seconds)); then
            a_login_for 60 # the client wants to refresh, too
            race_for_the_lock
        else
            a_login_for $((hour / 2)) # it does not yet
            refresh_early
        fi
        [[ $(stand_in "is_current?token=$(jq -r "$refresh_token" "$LOGIN")") == true ]] || echo "round $round: lost" >>"$WORLD/failed"
    done
    local ours
    ours=$(grep -c ': refreshed, valid' "$WORLD/refresh.log" || true)
    saw "$rounds rounds: $(token_requests) requests, $ours by oci-oauth, $(reuses) reuses, $(grep -c lost "$WORLD/failed" || true) logins lost"
    cat "$WORLD/failed"
    [[ ! -s $WORLD/failed ]] || requests 'select(.what != "api" and .what != "other") | "\(.what) \(.status) \(.agent) \(.refreshToken) \(.reused)"'
    [[ ! -s $WORLD/failed && $(token_requests) == "$rounds" && $(reuses) == 0 ]]
    ((try_seconds)) || ((ours == rounds))
}
