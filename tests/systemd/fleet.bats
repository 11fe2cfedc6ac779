# SPDX-License-Identifier: Apache-2.0
# A host of a fleet in a systemd that has really booted: its store is a member of etcd outside of it. The tests are one story.
bats_require_minimum_version 1.5.0
load machine

readonly lab=$shared/fleet

has_etcd() { command -v etcd >/dev/null; }
setup() { has_etcd || skip 'no etcd'; }
setup_file() {
    has_etcd || return 0
    prepare_tree
    start_trusted_endpoint
    mkdir -p "$lab" "$shared/one"
    LAB=$lab MEMBERS=1 bash -c 'source "$1" && make_certificates' - "$BATS_TEST_DIRNAME/../fleet/words.bash"
    start_store
    a_refresher_outside
    a_follower_inside
    an_engine
}

teardown_file() {
    has_etcd || return 0
    shut_down
    end_store
    stop_endpoint
    umount --quiet "$shared/one/run/share" || true
    remove_tree
}

start_store() {
    etcd --name m1 --data-dir "$lab/data" --log-level error --unsafe-no-fsync --listen-peer-urls http://127.0.0.1:2380 \
        --initial-advertise-peer-urls http://127.0.0.1:2380 --initial-cluster m1=http://127.0.0.1:2380 \
        --listen-client-urls https://127.0.0.1:2379 --advertise-client-urls https://127.0.0.1:2379 --client-cert-auth \
        --trusted-ca-file "$lab/ca.pem" --cert-file "$lab/member.pem" --key-file "$lab/member.key" >"$lab/log" 2>&1 3>&- </dev/null &
    echo $! >"$lab/pid"
    eventually answers
}
answers() {
    curl --silent --fail --cacert "$lab/ca.pem" --cert "$lab/client.pem" --key "$lab/client.key" https://127.0.0.1:2379/health >/dev/null
}
end_store() {
    [[ -s $lab/pid ]] || return 0
    kill "$(<"$lab/pid")"
    has_ended "$(<"$lab/pid")"
    rm "$lab/pid"
}

# fleet_config ROLE KEYS DIRECTORY: of the certificates in DIRECTORY.
fleet_config() {
    jq -n --arg role "$1" --arg keys "$2" --arg dir "$3" '{endpoints: ["https://127.0.0.1:2379"], $role, $keys, settle: "0ms",
        ca_file: ($dir + "/ca.pem"), certificate_file: ($dir + "/client.pem"), key_file: ($dir + "/client.key")}'
}
a_refresher_outside() {
    chmod 600 "$lab/client.key"
    install -d -m 700 "$shared/one"/{claude,run}
    jq -n --arg one "$shared/one" --arg token_url "$(<"$ENDPOINT/url")" --arg ca "$ENDPOINT/ca.pem" \
        --argjson fleet "$(fleet_config refresher "$shared/one/keys" "$lab")" \
        '{runtime_dir: ($one + "/run"), fleet: ($fleet + {host: "one"}),
          profiles: {claude: {credentials: ($one + "/claude/login.json"), fleet: true, $token_url, ca_file: $ca}}}' >"$shared/one/config.json"
    of_one fleet init
    control 'login?expires_in=28800' --request POST >"$shared/one/claude/login.json"
    of_one fleet join claude
}
of_one() { "$OCI_OAUTH_PREFIX/bin/oci-oauth" "$@" --config "$shared/one/config.json" 3>&-; }
newest_token() { cat "$shared/one/run/share/claude/token"; }

a_follower_inside() {
    mkdir -p "$tree/etc/oci-oauth/etcd" "$tree/etc/oci-oauth/fleet"
    cp "$lab"/{ca.pem,client.pem,client.key} "$tree/etc/oci-oauth/etcd/"
    cp -p "$shared/one/keys"/{access.key,signers} "$tree/etc/oci-oauth/fleet/"
    jq -n --argjson fleet "$(fleet_config follower /etc/oci-oauth/fleet /etc/oci-oauth/etcd)" \
        '{$fleet, profiles: {claude: {fleet: true}}}' >"$tree/etc/oci-oauth/config.json"
}
# Where docker.service and containerd.service are: after basic.target. It notes what it finds as it starts.
an_engine() {
    printf '[Service]\nType=oneshot\nExecStart=/bin/sh -c "cat /run/oci-oauth/share/claude/token >/var/lib/engine-saw || echo nothing >/var/lib/engine-saw"\n' \
        >"$tree/etc/systemd/system/engine.service"
    mkdir -p "$tree/etc/systemd/system/multi-user.target.wants"
    ln -s ../engine.service "$tree/etc/systemd/system/multi-user.target.wants/engine.service"
}
engine_saw() { cat "$tree/var/lib/engine-saw"; }
# As docs/fleet.md says. No key is left that somebody could read.
encrypt_keys() {
    local key
    machine mount --make-rshared / # as systemd does outside of containers, so that what it mounts for a unit is seen there
    machine install -d -m 700 /etc/credstore.encrypted
    for key; do
        machine systemd-creds encrypt --with-key=host "/etc/oci-oauth/fleet/$key" "/etc/credstore.encrypted/oci-oauth.$key"
        rm "$tree/etc/oci-oauth/fleet/$key"
    done
}
has_newest() { [[ $(published_token) == "$(newest_token)" ]]; }

@test "the configuration alone starts the follower, which publishes what the store has, and each next token" {
    boot
    is_in_state active oci-oauth-fleet.service
    eventually has_newest
    of_one refresh --force
    eventually has_newest
    [[ $(machine oci-oauth status --json | jq '.follower.is_connected, .profiles[0].fleet.generation' | xargs) == 'true 2' ]]
}

@test "the process that talks to the store is nobody, in the sandbox" {
    local pid child
    pid=$(unit show --property MainPID --value oci-oauth-fleet.service)
    child=$(machine pgrep -P "$pid")
    machine grep -Pq '^Uid:\t65534\t65534\t65534\t65534$' "/proc/$child/status"
    machine grep -Pq '^CapEff:\t0+$' "/proc/$child/status"
    machine grep -Pq '^Seccomp:\t2$' "/proc/$child/status"
}

@test "doctor has nothing to say against the fleet but the version of its store" {
    run machine oci-oauth doctor --json
    jq -r '.findings[] | select(.check | startswith("fleet")) | "\(.verdict) \(.message)"' <<<"$output"
    [[ $(jq '[.findings[] | select((.check | startswith("fleet")) and .verdict != "ok" and (.message | test("^etcd") | not))] | length' <<<"$output") == 0 ]]
    [[ $(jq -r '.findings[] | select(.check == "fleet '\''claude'\''").message' <<<"$output") == *'generation 2'* ]]
}

@test "with the store down, the token is there at boot before an engine starts" {
    end_store
    shut_down
    boot
    [[ $(engine_saw) == "$(newest_token)" ]]
    has_newest
    is_in_state active oci-oauth-fleet.service
    [[ $(machine oci-oauth status --prometheus) == *$'\noci_oauth_fleet_connected 0\n'* ]]
}

@test "when the store is back, the next token arrives" {
    start_store
    of_one refresh --force
    event_wait_seconds=100 eventually has_newest
}

@test "the follower's keys may be encrypted credentials" {
    encrypt_keys access.key signers
    unit restart oci-oauth-fleet.service
    of_one refresh --force
    eventually has_newest
    run -1 machine grep -rqF "$(head -n 1 "$shared/one/keys/access.key")" /etc
}

@test "a refresher knows in its sandbox which boot it is" {
    cp -p "$shared/one/keys"/* "$tree/etc/oci-oauth/"
    mkdir -p "$tree/etc/oci-oauth/fleet"
    mv "$tree/etc/oci-oauth"/{login.key,access.key,signing.key,signers} "$tree/etc/oci-oauth/fleet/"
    jq -n --argjson fleet "$(fleet_config refresher /etc/oci-oauth/fleet /etc/oci-oauth/etcd)" --arg token_url "$(<"$ENDPOINT/url")" \
        --arg credentials "/home/$person/.claude/.credentials.json" \
        '{$fleet, profiles: {claude: {$credentials, fleet: true, $token_url, ca_file: "/etc/oci-oauth/ca.pem"}}}' >"$tree/etc/oci-oauth/config.json"
    unit daemon-reload
    unit start oci-oauth-exchange.socket
    unit start oci-oauth-refresh.service
    local memory=$tree/home/$person/.claude/..credentials.json.oci-oauth.fleet boot
    boot=$(machine cat /proc/sys/kernel/random/boot_id)
    [[ $(jq -r .boot "$memory") == "${boot//-/}" ]]
}

@test "a refresher's keys may be, too" {
    local memory=$tree/home/$person/.claude/..credentials.json.oci-oauth.fleet before
    before=$(jq -r '.record | fromjson.generation' "$memory")
    encrypt_keys login.key signing.key access.key signers
    of_one refresh --force
    unit start oci-oauth-refresh.service
    [[ $(jq -r '.record | fromjson.generation' "$memory") == $((before + 1)) ]]
    has_newest
    machine systemd-run --quiet --pipe --wait -pLoadCredentialEncrypted=oci-oauth.{login.key,signing.key,access.key,signers} \
        /usr/local/bin/oci-oauth fleet status | grep -q "generation $((before + 1))"
}
