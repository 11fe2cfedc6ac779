# SPDX-License-Identifier: Apache-2.0
# docs/quadlet.md with the Podman and the systemd of this system, in a machine that boots: Podman 4.4 and later.
load machine

readonly page=$BATS_TEST_DIRNAME/../../docs/quadlet.md variable=CLAUDE_SECURESTORAGE_CONFIG_DIR

setup_file() {
    prepare_tree
    prepare_container
    start_trusted_endpoint
    install -D "$ENDPOINT/ca.pem" "$tree/etc/ssl/certs/ca-certificates.crt"
    configuration >"$tree/etc/oci-oauth/config.json"
    mkdir -p "$tree/etc/containers"
    cp /run/lab/containers.conf "$tree/etc/containers/"
    printf '[storage]\ndriver = "vfs"\ngraphroot = "/var/lib/containers/storage"\nrunroot = "/run/containers/storage"\n' >"$tree/etc/containers/storage.conf"
    echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$tree/etc/containers/policy.json"
    tar -C "$tree/srv/box/rootfs" -cf "$tree/srv/agent.tar" .
    a_login 28800
    boot --privileged # it runs containers
    machine podman import --quiet --change 'CMD ["/bin/sleep", "infinity"]' /srv/agent.tar localhost/agent:latest
}

teardown_file() {
    shut_down
    stop_endpoint
    remove_tree
}

# RUN COMMAND... runs it as whom the service belongs to. The page's file, and what the machine lacks: a network to give
# away, and cgroups that are not its systemd's.
serves_as_the_page_says() {
    local run=$1 container=$tree$2/agent.container systemctl=(systemctl "${@:3}")
    mkdir -p "$container.d"
    sed -n '/^```ini/,/^```/{/^```/d;p}' "$page" >"$container"
    printf '[Container]\nNetwork=host\nPodmanArgs=--cgroups=disabled\n' >"$container.d/machine.conf"
    in_agent() { "$run" podman exec systemd-agent "$@"; }
    has_token() { [[ $(in_agent cat "$target/token") == "$(current_token)" ]]; }
    "$run" "${systemctl[@]}" daemon-reload
    "$run" "${systemctl[@]}" start agent.service
    has_token
    [[ $(in_agent sh -c "echo \$$variable") == "$target" ]]
    "$run" oci-oauth refresh --force claude
    has_token
    "$run" "${systemctl[@]}" restart agent.service
    has_token
    "$run" "${systemctl[@]}" stop agent.service
    [[ $("$run" oci-oauth status --json | jq -c '.profiles[0].containers') == '[]' ]]
}

@test "Quadlet: the page's container has the token and the variable, the next token, and both again after a restart" {
    machine oci-oauth install podman
    serves_as_the_page_says machine /etc/containers/systemd
    machine oci-oauth uninstall podman
}

# The person's own manager, configuration and image.
prepare_person() {
    local home=/home/$person
    unit start "user@$person_id.service"
    echo "$person:100000:65536" | tee "$tree/etc/subuid" >"$tree/etc/subgid"
    as_person_outside mkdir -p "$tree$home/.config"/{oci-oauth,containers/systemd}
    printf '[storage]\ndriver = "vfs"\n' >"$tree$home/.config/containers/storage.conf"
    configuration ".runtime_dir = \"/run/user/$person_id/oci-oauth\"" | as_person_outside tee "$tree$home/.config/oci-oauth/config.json" >/dev/null
    as_person podman import --quiet --change 'CMD ["/bin/sleep", "infinity"]' /srv/agent.tar localhost/agent:latest
    as_person oci-oauth install podman
}

@test "Quadlet: a user's own, beside the user's manager, has the same without root" {
    prepare_person
    serves_as_the_page_says as_person "/home/$person/.config/containers/systemd" --user
}

@test "a user's own proxy, in the user's manager, answers a container without a network" {
    local pid
    prepare_person
    edit_file "$tree/home/$person/.config/oci-oauth/config.json" '.profiles.claude.delivery = "socket"'
    [[ $(as_person oci-oauth install proxy) == *'enabled '*oci-oauth-proxy.socket* ]]
    as_person podman run --detach --name offline --network none --cgroups=disabled --tmpfs "$target" localhost/agent:latest
    pid=$(as_person podman inspect --format '{{.State.Pid}}' offline)
    [[ $(machine curl --silent --unix-socket "/proc/$pid/root$target/api.sock" http://localhost/v1/none) == *'does not allow this request'* ]]
    [[ $(as_person systemctl --user is-active oci-oauth-proxy.service) == active ]]
    [[ $(as_person oci-oauth status) == *'socket, 1 requests'* ]]
    as_person podman rm --force --time 0 offline
    as_person oci-oauth uninstall proxy
    edit_file "$tree/home/$person/.config/oci-oauth/config.json" 'del(.profiles.claude.delivery)'
}

@test "a user's container that outlives the last logout has no token, and doctor names it" {
    local pid run=/run/user/$person_id
    as_person podman run --detach --name left --network host --cgroups=disabled --tmpfs "$target" localhost/agent:latest
    pid=$(as_person podman inspect --format '{{.State.Pid}}' left)
    files_inside() { machine nsenter --target "$pid" --user --mount ls "$target"; }
    [[ $(files_inside) == *token* && $(as_person sh -c 'oci-oauth doctor || true') != *"container of process"* ]]
    unit stop "user@$person_id.service"
    is_removed() { [[ ! -e $(in_machine "$run") ]]; }
    eventually is_removed
    [[ -z $(files_inside) ]]
    unit start "user@$person_id.service"
    [[ $(as_person sh -c 'oci-oauth doctor || true') == *"problem  container of process $pid"*"has no token at $target"* ]]
    machine kill -KILL "$pid"
}
