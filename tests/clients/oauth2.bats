# SPDX-License-Identifier: Apache-2.0
# The provider `oauth2` at oidc-provider, a certified OpenID provider from npm: each way to authenticate the client, rotation,
# the end of a login after a reuse, and tokens for a resource. The containers are Podman's.
load ../runtimes/lab
load words

readonly fine=0 login_required=3 secret='a secret of the client: &+%'

setup() {
    lab_setup
    WORLD=$BATS_TEST_TMPDIR/world
    CONFIG=/etc/oci-oauth/config.json
    HOOK_ARGS=(--config "$CONFIG")
    mkdir -p "$WORLD" /etc/oci-oauth/providers.d
    make_certificate "$WORLD" localhost
    (umask 077 && echo "$secret" >"$WORLD/secret")
    touch "$WORLD"/{requests,revoked}
    node "$BATS_TEST_DIRNAME/provider.mjs" "$CLIENTS/node_modules" "$WORLD" </dev/null >"$WORLD/log" 2>&1 3>&- &
    SERVER=$!
    eventually --at "$WORLD" test -s "$WORLD/ready"
}

teardown() {
    lab_teardown
    kill "$SERVER"
    has_ended "$SERVER"
}

# a_profile CLIENT [FILTER]: a profile of that name, changed by a jq FILTER.
a_profile() {
    LOGIN=$WORLD/login-$1.json
    jq -n --arg name "$1" --arg dir "$WORLD" --arg token_url "$(cat "$WORLD/url")" \
        '{profiles: {($name): ({provider: "oauth2", $token_url, client_id: $name, credentials: "\($dir)/login-\($name).json",
            ca_file: "\($dir)/cert.pem"} | '"${2:-.}"')}}' >"$CONFIG"
}
# a_provider NAME FILTER: the shipped `oauth2`, changed by a jq FILTER.
a_provider() {
    grep -v '^//' "$OCI_OAUTH_PREFIX/share/oci-oauth/providers/oauth2.json" | jq "$2" >"/etc/oci-oauth/providers.d/$1.json"
}

oci_oauth() { as_operator oci-oauth --config "$CONFIG" "$@" 3>&-; }
refresh_token() { jq -r .refresh_token "$LOGIN"; }
answer_to() {
    curl --silent --cacert "$WORLD/cert.pem" --output /dev/null --write-out '%{http_code}' -H "Authorization: Bearer $1" \
        "$(sed 's,/token$,/me,' "$WORLD/url")"
}

# The container's token is the login's, and the server takes it.
has_good_token() {
    local token
    token=$(inside box cat "/run/secrets/$1/token")
    [[ $token == "$(jq -r .access_token "$LOGIN")" ]]
    [[ $(answer_to "$token") == 200 ]]
    inside box cat "/run/secrets/$1/login.json" | jq --exit-status --arg token "$token" \
        '.access_token == $token and (has("refresh_token") | not)'
}

# A container has a token that the server takes, before and after two rotations; no secret is shown.
is_refreshed() {
    local first
    start box --tmpfs "/run/secrets/$1"
    has_good_token "$1"
    first=$(refresh_token)
    oci_oauth refresh --force "$1"
    oci_oauth refresh --force "$1"
    has_good_token "$1"
    [[ $(refresh_token) != "$first" ]]
    [[ $(jq -s 'map(.status)' --compact-output "$WORLD/requests") == '[200,200]' ]]
    oci_oauth status --json | jq --exit-status '.profiles[0].state == "fresh"'
    ! { oci_oauth status && cat "$SYSLOG" && inside box cat "/run/secrets/$1/login.json"; } | grep -F -e "$secret" -e "$(refresh_token)"
}

@test "a public client" {
    a_profile public
    is_refreshed public
    saw 'a public client'
}

@test "a confidential client that authenticates by post" {
    a_profile post '.client_secret_file = "\($dir)/secret"'
    is_refreshed post
    saw 'client_secret_post'
}

@test "a confidential client that authenticates by basic, whose secret needs to be encoded" {
    a_provider basic '.token_endpoint_auth_method = "client_secret_basic"'
    a_profile basic '.provider = "basic" | .client_secret_file = "\($dir)/secret"'
    is_refreshed basic
    saw 'client_secret_basic'
}

@test "a confidential client without its secret is refused, and told" {
    a_profile post
    run oci_oauth refresh --force post
    echo "$output"
    ((status != fine))
    [[ $output == *invalid_client* ]]
    [[ $(jq -r .status "$WORLD/requests") == 401 ]]
    saw 'a secret that is missing is reported'
}

@test "after somebody used an old refresh token, the server has revoked the login, and a person must log in again" {
    a_profile public
    local old
    old=$(refresh_token)
    oci_oauth refresh --force public
    curl --silent --cacert "$WORLD/cert.pem" --data grant_type=refresh_token --data client_id=public \
        --data-urlencode "refresh_token=$old" "$(cat "$WORLD/url")"
    [[ $(wc -l <"$WORLD/revoked") == 1 ]]
    run oci_oauth refresh --force public
    echo "$output"
    ((status == login_required))
    [[ $output == *invalid_grant* ]]
    [[ $(oci_oauth status --json | jq -r '.profiles[0].state') == login_required ]]
    oci_oauth refresh public # the token has not expired: nothing is asked
    [[ $(jq -s length "$WORLD/requests") == 3 ]]
    saw 'a login that the server revoked after a reuse needs a person'
}

@test "a token for a resource: the parameter goes with each refresh, and the expiry is the token's own" {
    a_provider resource '.parameters.resource = "https://api.example.org" | .credentials.access_token_format = "jwt"
        | del(.credentials.expires_at, .credentials.times)'
    a_profile resource '.provider = "resource"'
    oci_oauth refresh --force resource
    oci_oauth refresh --force resource
    [[ $(jq -s 'map([.status, .resource]) | unique' --compact-output "$WORLD/requests") == '[[200,"https://api.example.org"]]' ]]
    local claims
    claims=$(jq -r .access_token "$LOGIN" | jq -R 'split(".")[1] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson')
    [[ $(jq -r .aud <<<"$claims") == https://api.example.org ]]
    [[ $(oci_oauth status --json | jq -r '.profiles[0].expires_at') == "$(jq -r '.exp | todate' <<<"$claims")" ]]
    saw 'the parameter `resource`, and the expiry of its JWT'
}
