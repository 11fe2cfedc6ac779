# SPDX-License-Identifier: Apache-2.0
# Application default credentials with google-auth-library from npm, the published library that reads them; gcloud itself is
# neither in npm nor in Debian. The token endpoint and the API are stand-ins (stand-in.mjs), the containers Podman's.
load stand-in

readonly rounds=${ROUNDS:-50}

setup() {
    clients_setup
    LOGIN=$OPERATOR_HOME/.config/gcloud/application_default_credentials.json
    mkdir -p "${LOGIN%/*}"
    stand_in 'login?expires_in=3600' | jq '{type: "authorized_user", client_id: "application", client_secret: "not so secret",
        refresh_token}' >"$LOGIN"
    chmod 600 "$LOGIN"
    jq -n --arg credentials "$LOGIN" --arg ca_file "$WORLD/ca.pem" '{profiles: {gcloud: {$credentials, $ca_file}}}' >"$CONFIG"
}

library() { echo node "$BATS_TEST_DIRNAME/adc.mjs" "$CLIENTS/node_modules"; }
requests_of_api() { requests "select(.path == \"/oauth2/v3/userinfo\") | $1"; }
has_asked_api() { [[ $(requests_of_api .status) ]]; }

@test "in a container the library finds the token in the file that the environment names, and a new one after a refresh" {
    local before
    client_files
    mkdir -p "$ROOT$BATS_TEST_DIRNAME"
    mkfifo "$ROOT/work/go"
    start_client --tmpfs /run/secrets/gcloud --volume "$BATS_TEST_DIRNAME:$BATS_TEST_DIRNAME:ro" -- \
        sh -c "$(library) && cat go && $(library) && ls /run/secrets/gcloud"
    before=$(sha256sum /run/oci-oauth/share/gcloud/token)
    eventually --at "$WORLD/requests" has_asked_api
    oci_oauth refresh --force gcloud
    [[ $(sha256sum /run/oci-oauth/share/gcloud/token) != "$before" ]]
    : >"$ROOT/work/go"
    podman_as_operator wait box 3>&-
    [[ $(output_of box) == $'ok\nok\ntoken' ]]
    [[ $(requests_of_api .accessToken | sort -u | wc -l) == 2 ]]
    [[ $(requests_of_api .status | sort -u) == 200 ]]
    saw 'in a container: the delivered token, and after a rotation the new one'
}

@test "on the host the library and oci-oauth refresh use the same credentials, which stay byte for byte" {
    local before round refresh
    before=$(sha256sum "$LOGIN")
    for ((round = 0; round < rounds; round++)); do
        oci_oauth refresh --force gcloud >>"$WORLD/refresh.log" 2>&1 &
        refresh=$!
        # shellcheck disable=SC2046 # words
        [[ $(env GOOGLE_APPLICATION_CREDENTIALS="$LOGIN" NODE_EXTRA_CA_CERTS="$WORLD/ca.pem" $(library)) == ok ]]
        wait "$refresh" || { tail -n 3 "$WORLD/refresh.log" && false; }
    done
    [[ $(sha256sum "$LOGIN") == "$before" ]]
    [[ $(token_requests) == $((2 * rounds)) ]]
    [[ $(requests 'select(.what == "token") | .status' | sort -u) == 200 ]]
    saw "on the host: $rounds rounds beside oci-oauth refresh, none refused, the document unchanged"
}
