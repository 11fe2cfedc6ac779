# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Refreshers for bats files in the lab: OCI_OAUTH_PREFIX is the installed tree, TOKEN_ENDPOINT the endpoint. Each of the hosts
# one, two and three is a directory with its own configuration, runtime directory and login's directory.
#
#   begin_hosts, end_hosts, renew_hosts   for setup_file, teardown_file and setup, which begins with an empty store
#   of HOST VERB...           oci-oauth with the configuration of that host
#   log_in HOST SECONDS       a person logs in, and the access token ends in so many
#   shown MEMBER [HOST]       what fleet status --json has of it
#   sent                      how many requests the endpoint has read in this test
#   each_token_once           no refresh token was sent twice, ever
#   refresh_together HOST...
#   make_follower NAME, has_same_token NAME NAME

source "$BATS_TEST_DIRNAME/words.bash"
source "$BATS_TEST_DIRNAME/../support/words.bash"

oci_oauth=$OCI_OAUTH_PREFIX/bin/oci-oauth

begin_hosts() {
    export ENDPOINT=$BATS_FILE_TMPDIR/endpoint KEYS=$BATS_FILE_TMPDIR/keys
    start_endpoint
    install -m 600 "$LAB/client.key" "$BATS_FILE_TMPDIR/host.key"
    local n
    for n in one two three; do make_host "$n"; done
    of one fleet init
}
end_hosts() {
    leave_hosts
    stop_endpoint
}
leave_hosts() { umount --quiet "$BATS_FILE_TMPDIR"/{one,two,three}/run/share 2>/dev/null || true; }
renew_hosts() {
    leave_hosts
    find "$BATS_FILE_TMPDIR"/{one,two,three}/{run,claude} -mindepth 1 -delete
    wipe_store
    log_in one -60
    before=$(counted posts)
}

make_host() {
    install -d -m 700 "$BATS_FILE_TMPDIR/$1"/{claude,run}
    jq -n --arg host "$1" --arg here "$BATS_FILE_TMPDIR/$1" --arg lab "$LAB" --arg key "$BATS_FILE_TMPDIR/host.key" \
        --arg keys "$KEYS" --rawfile endpoints "$LAB/endpoints" --rawfile url "$ENDPOINT/url" --arg ca "$ENDPOINT/ca.pem" '
        {runtime_dir: "\($here)/run",
         fleet: {endpoints: ($endpoints | split("\n") | map(select(. != ""))), ca_file: "\($lab)/ca.pem",
                 certificate_file: "\($lab)/client.pem", key_file: $key, keys: $keys, host: $host, role: "refresher",
                 settle: "0ms"},
         profiles: {claude: {credentials: "\($here)/claude/.credentials.json", fleet: true,
                             token_url: ($url | rtrimstr("\n")), ca_file: $ca}}}' >"$BATS_FILE_TMPDIR/$1/config.json"
}
make_follower() {
    make_host "$1"
    install -d -m 700 "$BATS_FILE_TMPDIR/$1/keys"
    cp -p "$KEYS"/{access.key,signers} "$BATS_FILE_TMPDIR/$1/keys"
    edit_file "$BATS_FILE_TMPDIR/$1/config.json" \
        ".fleet.role = \"follower\" | .fleet.keys = \"$BATS_FILE_TMPDIR/$1/keys\" | .profiles.claude = {fleet: true}"
}
has_same_token() { cmp --silent "$BATS_FILE_TMPDIR"/{"$1","$2"}/run/share/claude/token; }
wipe_store() {
    etcd_call 1 kv/deleterange "{\"key\":\"$(printf /oci-oauth/ | base64)\",\"range_end\":\"$(printf /oci-oauth0 | base64)\"}" >/dev/null
}
of() {
    local host=$1
    shift
    "$oci_oauth" "$@" --config "$BATS_FILE_TMPDIR/$host/config.json"
}
log_in() {
    control login -X POST >"$BATS_FILE_TMPDIR/$1/claude/.credentials.json"
    expire_in "$2" "$BATS_FILE_TMPDIR/$1/claude/.credentials.json"
}
shown() { of "${2:-one}" fleet status --json | jq -r ".logins[0].$1"; }
sent() { echo $(($(counted posts) - before)); }
each_token_once() { (($(counted max_posts_per_refresh_token) == 1)); }
refresh_together() {
    local host pids=() pid status=0
    for host; do of "$host" refresh & pids+=($!); done
    for pid in "${pids[@]}"; do wait "$pid" || status=$?; done
    return "$status"
}
