# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# More words, on top of lab.bash: a login at a token endpoint of the test's own, and a profile that delivers it.
#
#   a_login [OPTION]...          starts a token endpoint and writes a valid login for the operator
#   login_ends_in SECONDS        rewrites what the login says about its access token's life; below zero: expired
#   a_profile [FILTER]           configures profile `claude`, changed by a jq FILTER on it, for the hook and oci_oauth
#   configure FILTER             changes the whole configuration
#   oci_oauth VERB [ARGUMENT]... runs oci-oauth as the operator
#   refreshed                    refreshes the login, due or not
#   a_black_hole                 an endpoint, with its files in $HOLE, whose port takes connections and never says a word
#   current_token                the access token of the login
#   token_in NAME [DIR]          the token that a container finds

load "${BASH_SOURCE[0]%/*}/lab"

target=/run/secrets/claude

setup() { oauth_setup; }
teardown() { oauth_teardown; }

oauth_variables() {
    lab_variables
    SHARE=$(runtime_dir)/share/claude
    CREDENTIALS=$OPERATOR_HOME/.claude/.credentials.json
    if ((OPERATOR_ID == 0)); then
        CONFIG=/etc/oci-oauth/config.json
    else
        CONFIG=$OPERATOR_HOME/.config/oci-oauth/config.json
    fi
    ENDPOINT=$BATS_TEST_TMPDIR/endpoint
    HOLE=$BATS_TEST_TMPDIR/hole
    HOOK_ARGS=(--config "$CONFIG")
}

oauth_setup() {
    lab_setup
    oauth_variables
}

oauth_teardown() {
    lab_teardown
    stop_endpoint
    [[ ! -s $HOLE/ready ]] || kill -KILL "$(<"$HOLE/ready")"
}

runtime_dir() { ((OPERATOR_ID == 0)) && echo /run/oci-oauth || echo "$XDG_RUNTIME_DIR/oci-oauth"; }

a_login() {
    as_operator mkdir -p "${CREDENTIALS%/*}"
    start_endpoint --login "$CREDENTIALS" "$@"
    chown "$OPERATOR_ID:$OPERATOR_ID" "$CREDENTIALS"
}

a_black_hole() {
    ENDPOINT=$HOLE start_endpoint --login "$HOLE/login.json"
    kill -STOP "$(<"$HOLE/ready")"
}

login_ends_in() { expire_in "$1" "$CREDENTIALS"; }

a_profile() {
    install -d -o "$OPERATOR_ID" -g "$OPERATOR_ID" "${CONFIG%/oci-oauth/*}" "${CONFIG%/*}"
    jq -n --arg credentials "$CREDENTIALS" --arg ca_file "$ENDPOINT/ca.pem" --arg token_url "$(cat "$ENDPOINT/url")" \
        --arg runtime_dir "$(runtime_dir)" \
        "{\$runtime_dir, profiles: {claude: ({\$credentials, \$ca_file, \$token_url} | ${1:-.})}}" >"$CONFIG"
    chown "$OPERATOR_ID:$OPERATOR_ID" "$CONFIG"
}

configure() { edit_file "$CONFIG" "$1"; }

oci_oauth() { as_operator oci-oauth --config "$CONFIG" "$@" 3>&-; }
refreshed() { oci_oauth refresh --force claude 2>>"$BATS_TEST_TMPDIR/refresh.log"; }
status_of() { oci_oauth status --json | jq -r ".profiles[0]$1"; }

current_token() { jq -r .claudeAiOauth.accessToken "$CREDENTIALS"; }
token_in() { inside "$1" cat "${2:-$target}/token"; }

# It holds the login's current access token, in both files.
has_current_token() {
    [[ $(token_in "$@") == "$(current_token)" ]] &&
        [[ $(inside "$1" cat "${2:-$target}/.credentials.json" | jq -r .claudeAiOauth.accessToken) == "$(current_token)" ]]
}

# A directory of the operator's on the host, for a bind mount.
a_directory() {
    install -d -o "$OPERATOR_ID" -g "$OPERATOR_ID" "$OPERATOR_HOME/$1"
    echo "$OPERATOR_HOME/$1"
}
