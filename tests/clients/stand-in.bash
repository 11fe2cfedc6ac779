# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# Words for tests of published clients in Podman's containers, whose services are all one stand-in (stand-in.mjs).

load ../runtimes/lab
load words

CONTAINER_NETWORK=host
hook_stages+=(precreate)
helpers=() # processes of a test's own, which end with it
readonly client_seconds=100
event_wait_seconds=60
environment=(DISABLE_AUTOUPDATER=1 CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1
    NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt)

clients_setup() {
    lab_setup
    CONFIG=/etc/oci-oauth/config.json
    HOOK_ARGS=(--config "$CONFIG")
    WORLD=$BATS_TEST_TMPDIR/world
    ROOT=$BATS_TEST_TMPDIR/box/rootfs
    mkdir -p "$WORLD" /etc/oci-oauth
    a_stand_in
}

setup() { clients_setup; }
teardown() {
    lab_teardown
    local process
    for process in "$STAND_IN" "${helpers[@]}"; do
        kill "$process"
        has_ended "$process"
    done
    umount /etc/hosts /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt
}

# All names of the services lead to the stand-in, whose authority the whole lab trusts; no other name leads anywhere.
a_stand_in() {
    local names=(auth.openai.com chatgpt.com api.openai.com auth.x.ai cli-chat-proxy.grok.com auth.kimi.com api.kimi.com
        oauth2.googleapis.com www.googleapis.com platform.claude.com api.anthropic.com registry.npmjs.org)
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

# A request to /control/ of stand-in.mjs.
stand_in() { curl --silent --show-error --fail --cacert "$WORLD/ca.pem" "https://auth.openai.com/control/$1"; }
oci_oauth() { as_operator oci-oauth --config "$CONFIG" "$@" 3>&-; }

# requests FILTER: those that came, in order, as a jq FILTER shows each.
requests() { jq -r "$1" "$WORLD/requests"; }
count() { requests "select($1) | 1" | wc -l; }
is_held() { (($(count '.what == "held"') >= $1)); }
api_tokens() { requests 'select(.what == "api") | "\(.status) \(.accessToken)"'; }
token_requests() { count '.what == "token"'; }
reuses() { count '.what == "token" and .reused'; }

# The root file system of a container: the host's /usr and the packages are mounted on it.
client_files() {
    local directory
    rootfs "$ROOT"
    mkdir -p "$ROOT"/{root,usr,work,etc/ssl/certs} "$ROOT$CLIENTS"
    rm -r "${ROOT:?}/bin"
    for directory in bin lib lib64; do
        [[ ! -L /$directory ]] || ln -s "usr/$directory" "$ROOT/$directory"
    done
    cp /etc/ssl/certs/ca-certificates.crt "$ROOT/etc/ssl/certs"
}

# The commands that doctor tells to make the links which images need; they are carried out in the container's home.
links() { oci_oauth doctor --json | jq -r '.findings[].message | select(test("needs one in the image")) | sub(".*image: "; "")'; }
make_links() { HOME=$ROOT/root sh -e -c "$(links)"; }

# start_client [OPTION]... -- COMMAND...
start_client() {
    start box --volume /usr:/usr:ro --volume "$CLIENTS:$CLIENTS:ro" --workdir /work --env HOME=/root \
        "${environment[@]/#/--env=}" "$@"
}
