# SPDX-License-Identifier: Apache-2.0
# Each engine, registered as oci-oauth install does: a chosen container finds its login with no setting by hand.
load ../proxy/words

readonly variable=CLAUDE_SECURESTORAGE_CONFIG_DIR

setup_file() { engine_up; }
teardown_file() { engine_down; }
teardown() { proxy_teardown; }

a_fresh_login() {
    a_login
    a_profile "$@"
    oci_oauth refresh
}

# The environment of a container's first process.
variable_of() { tr '\0' '\n' <"/proc/$(pid_of "$1")/environ" | sed -n "s/^$variable=//p"; }
mounts_at_target() { inside "$1" grep -c " $target " /proc/mounts; }

@test "a chosen container has the token and the environment, another has neither" {
    a_fresh_login
    start box "${chosen[@]}"
    start other
    has_current_token box
    [[ $(variable_of box) == "$target" ]]
    run inside other ls "$target"
    ((status != 0))
    [[ -z $(variable_of other) ]]
    [[ $(status_of '.containers | map(.id) | join(" ")') == "$(id_of box)" ]]
}

@test "a refresh reaches the running container" {
    a_fresh_login
    start box "${chosen[@]}"
    local before
    before=$(token_in box)
    refreshed
    [[ $(token_in box) != "$before" ]]
    has_current_token box
}

@test "a restarted container has the token again, once, and a stopped one is forgotten" {
    a_fresh_login
    start box "${chosen[@]}"
    local mounts
    mounts=$(mounts_at_target box)
    restart box
    has_current_token box
    [[ $(variable_of box) == "$target" ]]
    [[ $(mounts_at_target box) == "$mounts" ]]
    stop box
    [[ $(status_of '.containers | length') == 0 ]]
}

@test "the variable that a person set wins, except over a CDI device's" {
    a_fresh_login
    start box "${chosen[@]}" --env "$variable=/mine"
    has_current_token box
    [[ $(variable_of box) == "$variable_of_a_person" ]]
}

@test "a container has a socket instead of a token, and the environment for it" {
    proxy_variables
    a_published_login
    [[ ! -e /etc/cdi/oci-oauth.json ]] || "$OCI_OAUTH_PREFIX/bin/oci-oauth" install cdi >/dev/null
    start_proxy
    start box "${chosen[@]}"
    [[ $(inside box ls -A "$target") == api.sock ]]
    tr '\0' '\n' <"/proc/$(pid_of box)/environ" | grep -qx "ANTHROPIC_UNIX_SOCKET=$target/api.sock"
    [[ $(ask box /api/whoami) == '{"authenticated":true}200' ]]
    eventually grep -q "claude $(id_of box) GET /api/whoami 200" "$PROXY_LOG" # after the answer
    restart box
    [[ $(ask box /api/whoami) == '{"authenticated":true}200' ]]
}
